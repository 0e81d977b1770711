"""Which documents of two runs have another fate."""

from collections import Counter, defaultdict

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.report import moved_documents as module
from refinery.report.moved_documents import moved_documents, sources_without_identity
from refinery.run.fates import FATES
from refinery.storage.write import write_table

FATE = st.sampled_from([(None, None, 1), (None, None, 3), ("s", "short", None), (None, "not_json", None)])
RUN = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), FATE), max_size=12)


def kept(folder, name, rows):
    """A file of fates; rows: source, identity and (stage, rule, repeats), each at the next row of a path."""
    path = f"{name}.jsonl"
    table = [
        {"source": source, "path": path, "row": int(n > 0), "stage": stage, "rule": rule}
        | {"repeats": repeats, "identity": identity}
        for n, (source, identity, (stage, rule, repeats)) in enumerate(rows)
    ]
    write_table(folder / name, [pa.RecordBatch.from_pylist(table, FATES)], FATES)
    return folder / name


def fate(stage, rule, repeats):
    if rule:
        return f"dropped by {stage}: {rule}" if stage else f"rejected: {rule}"
    return "kept" if repeats == 1 else f"kept {repeats} times"


def expected(then, now):
    """By source and identity as many as there are of both fates, the others one by one in the order of fates."""
    sides = defaultdict(lambda: (Counter(), Counter()))
    for side, rows in enumerate((then, now)):
        for source, identity, what in rows:
            sides[source, identity][side][fate(*what)] += 1
    found = Counter()
    for before, after in sides.values():
        first, second = sorted((before - after).elements()), sorted((after - before).elements())
        size = max(len(first), len(second))
        filled = [side + ["not read"] * (size - len(side)) for side in (first, second)]
        found.update(zip(*filled, strict=True))
    return found


@settings(max_examples=30)
@given(RUN, RUN, st.sampled_from([3, 7, 100]))
def test_documents_of_one_identity_stand_for_each_other(tmp_path_factory, then, now, part_rows):
    """As many as have one fate in both runs have not moved, however the work is parted."""
    folder = tmp_path_factory.mktemp("moved")
    files = [kept(folder, "then", then)], [kept(folder, "now", now)]
    found = Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART_ROWS", part_rows)
        for part in moved_documents(*files, ()):
            for _, _, _, before, after, documents in part.rows():
                found[before, after] += documents
    assert found == expected(then, now)


def test_a_place_is_that_of_the_later_run_that_read_it(tmp_path):
    """There it can be looked at."""
    one, gone = ("a", 1, (None, None, 1)), ("a", 2, (None, None, 1))
    files = (
        [kept(tmp_path, "then", [one, gone])],
        [kept(tmp_path, "now", [("a", 7, (None, None, 1)), ("a", 1, ("s", "short", None))])],
    )
    found = pl.concat(moved_documents(*files, ()))
    places = {row["before"] + " " + row["after"]: (row["path"], row["row"]) for row in found.to_dicts()}
    assert places == {
        "kept dropped by s: short": ("now.jsonl", 1),
        "kept not read": ("then.jsonl", 1),
        "not read kept": ("now.jsonl", 0),
    }


def test_by_place_what_a_document_is_does_not_matter(tmp_path):
    """Files that are the same are read in another way; sources without identities are known."""
    then = kept(tmp_path, "then", [("a", None, (None, "not_json", None)), ("b", 2, (None, None, 1))])
    found = pl.concat(moved_documents([then], [then], {"a"}))
    assert found.is_empty()
    assert sources_without_identity([then], [then]) == {"a"}
