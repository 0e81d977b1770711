import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.column_settings import Where
from refinery.sources.documents import Description, Pack, SourceSpec
from refinery.sources.find import natural
from refinery.sources.lineage import lineage_of, write_lineage
from refinery.sources.packs import FEW, PACK_BYTES, PACK_FILES, pack, read_members, sort_key, write_members
from refinery.sources.read import place_of_row, read_documents
from refinery.sources.shards import list_shards

PATHS = st.lists(st.text("ab/0123.中-", min_size=1, max_size=6), unique=True, min_size=FEW + 2, max_size=120)


def packs(sizes):
    return pack(sorted(sizes), lambda path: path, lambda path: path[-1:], sizes.__getitem__)


@given(PATHS)
def test_keys_are_in_natural_order(paths):
    """And all different."""
    assert sorted(paths, key=sort_key) == sorted(paths, key=natural)
    assert len({sort_key(path) for path in paths}) == len(paths)


@given(PATHS, st.randoms(use_true_random=False))
def test_one_file_more_or_less_or_changed_reads_one_pack_again(paths, rng):
    """What is in no pack of before is at most as much as a pack holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("refinery.sources.packs.PACK_FILES", 8)
        patch.setattr("refinery.sources.packs.PACK_BYTES", 100)
        sizes = {path: rng.choice([1, 10, 60, 300]) for path in paths}
        before = packs(sizes)
        assert sorted(path for one in before for path in one) == sorted(paths)
        assert all(len(one) == 1 or (len(one) <= 8 and sum(map(sizes.get, one)) <= 100) for one in before)
        victim = rng.choice(paths)
        changes = [
            {path: size for path, size in sizes.items() if path != victim},
            sizes | {victim: rng.choice([1, 50, 300])},
            sizes | {victim + "0": rng.choice([1, 50, 300])},
        ]
        known = {tuple((path, sizes[path]) for path in one) for one in before}
        for after in changes:
            again = [one for one in packs(after) if tuple((path, after[path]) for path in one) not in known]
            others = [path for one in again for path in one if not path.startswith(victim)]
            assert len(others) <= 8
            assert sum(after[path] for path in others) <= 100 or len(others) == 1


def test_packs_of_many_files_are_few():
    """Numbered files fill them, hashed names to a third and more."""
    paths = [f"{n:05}.json" for n in range(3000)]
    rng = random.Random(1)
    hashed = [f"{rng.getrandbits(128):032x}.html" for _ in range(3000)]
    for files, most in ((paths, 4), (hashed, 9)):
        assert len(pack(files, str, lambda _: "", lambda _: 2000)) <= most
    large = pack(paths, str, lambda _: "", lambda _: PACK_BYTES // 4)
    assert max(map(len, large)) <= 4
    assert len(pack(paths[:FEW], str, lambda _: "", lambda _: 1)) == FEW
    assert PACK_FILES == 1024


def source(tmp_path, count=40):
    """Files with none, one or more rows; of one the end is missing."""
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(count):
        rows = "".join(f'{{"text": "document {n} {row}", "year": {n}}}\n' for row in range(n % 4))
        (folder / f"part-{n}.jsonl").write_text(rows + ('{"text": "cut' if n == 7 else ""))
    return SourceSpec("docs", (str(folder),))


def planned(found, shard, folder):
    """The shard as a plan has it, with the list of its files."""
    from dataclasses import replace

    members = found.members[shard.index]
    one = replace(shard, pack=Pack(len(members), folder / "files.parquet", folder / "lineage.parquet"))
    write_members(one, members)
    return one


def test_a_pack_gives_the_rows_of_its_files(tmp_path):
    """In order, with places, ids and identities as if each file were a shard of its own; wanted ones alone too."""
    spec = source(tmp_path)
    found = list_shards(spec, packed=True)
    assert [len(found.members[shard.index]) for shard in found.shards] == [40]
    shard = planned(found, found.shards[0], tmp_path / "work")
    assert read_members(shard)[3].path == str(tmp_path / "many" / "part-3.jsonl")
    description = Description()
    batches = list(read_documents(shard, spec, describe=description))
    write_lineage(shard.pack.lineage, description.files)
    lineage = lineage_of(shard)
    rows = np.concatenate([batch.rows for batch in batches])
    places = list(zip(lineage.path_of(rows).to_pylist(), lineage.row_in_file(rows).tolist(), strict=True))
    assert places == [(f"part-{n}.jsonl", row) for n in range(40) for row in range(n % 4)]
    texts = [text for batch in batches for text in batch.text.to_pylist()]
    assert texts == [f"document {n} {row}" for n in range(40) for row in range(n % 4)]
    (reject,) = [reject for batch in batches for reject in batch.rejects]
    assert place_of_row(shard, reject.row) == (str(tmp_path / "many" / "part-7.jsonl"), 3)
    assert description.carried.names == ["year"]
    wanted = rows[::3]
    again = [text for batch in read_documents(shard, spec, wanted=wanted) for text in batch.text.to_pylist()]
    assert again == texts[::3]


ROW = st.fixed_dictionaries(
    {"text": st.none() | st.text("ab\u6cd5", max_size=5)},
    optional={"id": st.integers(0, 9) | st.text("x", max_size=2), "n": st.integers(0, 3)},
)
LINE = st.sampled_from(["", "no JSON", "[1]", json.dumps({"text": "x" * 100})]) | ROW.map(json.dumps)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(LINE, max_size=4), min_size=FEW + 1, max_size=FEW + 9),
    st.sampled_from([1, 30, 10**6]),
    st.randoms(use_true_random=False),
    st.sampled_from([None, "n >= 1"]),
)
def test_a_pack_has_what_its_files_have(tmp_path_factory, files, batch_bytes, rng, sql):
    """Rows, texts, ids, columns and rejects are those of each file alone, whatever lies in a batch together."""
    folder = tmp_path_factory.mktemp("pack")
    for n, lines in enumerate(files):
        (folder / f"{n:02}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    where = Where(sql, (("n", "int"),)) if sql else None
    spec = SourceSpec("docs", (str(folder / "*.jsonl"),), where=where, max_document_bytes=99)
    found = list_shards(spec, packed=True)
    carry, description = pa.schema([("n", pa.int64())]), Description()
    shard = planned(found, found.shards[0], folder)
    read = [*read_documents(shard, spec, carry=carry, batch_bytes=batch_bytes, describe=description)]
    write_lineage(shard.pack.lineage, description.files)
    alone, rejects, start = [], [], 0
    for member in found.members[0]:
        one = Description()
        for batch in read_documents(member, spec, carry=carry, describe=one):
            alone += rows_of(batch, start)
            rejects += [(start + reject.row, reject.reason) for reject in batch.rejects]
        start += one.rows
    assert [row for batch in read for row in rows_of(batch, 0)] == alone
    assert [(reject.row, reject.reason) for batch in read for reject in batch.rejects] == rejects
    assert description.rows == start
    assert [file.rows for file in description.files] == [len(lines) for lines in files]
    wanted = np.array([row[0] for row in alone if rng.random() < 0.3], np.int64)
    again = read_documents(shard, spec, carry=carry, wanted=wanted, batch_bytes=batch_bytes)
    chosen = set(wanted.tolist())
    assert [row for batch in again for row in rows_of(batch, 0)] == [row for row in alone if row[0] in chosen]


def rows_of(batch, start):
    """Row, text, id as a text, and column of each document."""
    ids = [None if name is None else str(name) for name in batch.ids.to_pylist()]
    columns = batch.columns["n"].to_pylist() if batch.columns.num_columns else [None] * len(ids)
    return [*zip((batch.rows + start).tolist(), batch.text.to_pylist(), ids, columns, strict=True)]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_pack_is_read_of_what_was_planned_or_not_at_all(tmp_path, format):
    """Of a file that changes after its bytes were fetched the planned rows are given; before that it is an error."""
    folder = tmp_path / "many"
    folder.mkdir()
    write = {
        "jsonl": lambda path, text: path.write_text(f'{{"text": "{text}"}}\n'),
        "parquet": lambda path, text: pq.write_table(pa.table({"text": [text]}), path),
    }[format]
    files = [folder / f"part-{n:03}.{format}" for n in range(70)]
    for n, file in enumerate(files):
        write(file, f"planned {n:03}")
    spec = SourceSpec("docs", (str(folder),))
    found = list_shards(spec, packed=True)
    shard = planned(found, found.shards[0], tmp_path / "work")
    batches = read_documents(shard, spec, batch_bytes=1, describe=Description())
    assert next(batches).text.to_pylist() == ["planned 000"]
    write(files[1], "changed 001")
    assert next(batches).text.to_pylist() == ["planned 001"]
    write(files[69], "changed 069")
    with pytest.raises(InputError, match=rf"part-069\.{format}: the file has changed since it was planned"):
        list(batches)


def test_identities_of_a_pack_are_those_of_its_files(tmp_path):
    """Minted ids too: packing changes no random choice and no id."""
    from refinery.sources.ids import identities, minted_ids

    spec = source(tmp_path)
    found = list_shards(spec, packed=True)
    shard = planned(found, found.shards[0], tmp_path / "work")
    description = Description()
    rows = np.concatenate([b.rows for b in read_documents(shard, spec, describe=description)])
    write_lineage(shard.pack.lineage, description.files)
    alone = [(member, np.arange(n % 4)) for n, member in enumerate(found.members[0])]
    assert identities(shard, rows).tolist() == [one for m, r in alone for one in identities(m, r).tolist()]
    assert minted_ids(shard, rows).to_pylist() == [
        one for m, r in alone for one in minted_ids(m, r).to_pylist()
    ]


def test_files_of_other_formats_are_apart(tmp_path):
    """A pack has one format, since a shard has one."""
    source(tmp_path, 20)
    for n in range(20):
        (tmp_path / "many" / f"a{n}.warc").write_bytes(b"WARC/1.0\r\n")
    found = list_shards(SourceSpec("docs", (str(tmp_path / "many"),)), packed=True)
    assert sorted((s.format, len(found.members[s.index])) for s in found.shards) == [
        ("jsonl", 20),
        ("warc", 20),
    ]
