"""Documents that are written more than once: what an output has of them, by a verb that does what a column says."""

import json
from collections import Counter
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from tests.conftest import decisions, document, output_hashes, read_files, write_parquet
from tests.megatron import byte_level

DEFINITION = """
refinery: 1
name: repeating
sources:
  crawl: {path: "crawl/*.parquet"}
stages:
  often:
    from: crawl
    repeat: {times: times}
outputs:
"""
SHUFFLED = "  shuffled: {from: often, path: shuffled, shard_bytes: 20000}\n"
ORDERED = "  ordered: {from: often, path: ordered, shuffle: null, shard_bytes: 20000}\n"
COUNTED = "  counted: {from: often, path: counted, repeats: counts}\n"
SPLIT = "  split: {from: often, path: split, split: {validation: 20%}}\n"


TOKENS = "  tokens: {from: often, path: tokens, shard_bytes: 20000, tokenize: tokenizer.json}\n"


@pytest.fixture
def repeating(tmp_path, monkeypatch):
    """A repository with an installed verb that repeats; the times of each document by its id."""
    information = tmp_path / "site" / "repeating-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: repeating\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[refinery.verbs]\nrepeat = tests.run.repeating_verb\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    rows = [{"id": f"{n:02}", "text": document(n), "times": (1, 3, 0, 2, 7, 1)[n % 6]} for n in range(40)]
    byte_level(tmp_path / "tokenizer.json", special=("</s>",))
    for number in range(3):
        write_parquet(tmp_path / "crawl" / f"{number}.parquet", rows[number::3])

    def write(outputs: str):
        (tmp_path / "pipeline.yaml").write_text(DEFINITION + outputs)
        return tmp_path / "pipeline.yaml"

    return tmp_path, {row["id"]: row["times"] for row in rows}, write


def ids_of(folder) -> list[str]:
    """The ids of an output's rows, in order."""
    return [
        one for file in sorted(folder.rglob("*.parquet")) for one in pq.read_table(file)["id"].to_pylist()
    ]


def test_copies_and_counts(repeating, refinery):
    """Each document so many times or with its count; fresh and repeated are counted apart, by whichever workers."""
    base, times, write = repeating
    hashes = []
    for workers in (1, 2):
        definition = write(SHUFFLED + ORDERED + COUNTED + TOKENS)
        work = base / f"work-{workers}"
        code, _, err = refinery("run", definition, "-q", "--workers", workers, "--work", work)
        assert code == 0, err
        hashes.append([output_hashes(base / name) for name in ("shuffled", "ordered", "counted")])
        names = [base / f"{name}.records" / "manifest.json" for name in ("shuffled", "ordered", "counted")]
        manifests = [json.loads(name.read_text()) for name in names]
        for name in names:
            name.unlink()
    assert hashes[0] == hashes[1]
    expected = Counter({name: count for name, count in times.items() if count})
    shuffled, ordered = ids_of(base / "shuffled"), ids_of(base / "ordered")
    assert Counter(shuffled) == Counter(ordered) == expected
    assert len(list((base / "shuffled").iterdir())) > 2
    in_order = [name for number in range(3) for name in list(times)[number::3]]
    assert ordered == [name for turn in range(7) for name in in_order if times[name] > turn]
    assert all(one != other for one, other in pairwise(ordered))
    sequences = read_files(base / "tokens", "sequences").to_pylist()
    assert [row["id"] for row in sequences] == ids_of(base / "shuffled")
    counted = read_files(base / "counted", "data").to_pylist()
    assert {row["id"]: row["repeats"] for row in counted} == expected
    for name, manifest in zip(("shuffled", "ordered", "counted"), manifests, strict=True):
        kept, again = manifest["kept"], manifest["repeated"]
        assert (kept["documents"], again["documents"]) == (len(expected), expected.total() - len(expected))
        assert manifest["stages"]["often"]["repeated"] == again
        found = decisions(base / name)
        assert {one: row["repeats"] for one, row in found.items() if row["repeats"]} == expected
        assert {one for one, row in found.items() if row["outcome"] == "dropped"} == times.keys() - expected
    assert "repeats" in manifests[2]["made_columns"]
    sizes = {row["id"]: len(row["text"].encode()) for row in counted}
    assert manifests[0]["repeated"]["bytes"] == sum(sizes[one] * (expected[one] - 1) for one in sizes)


def test_each_copy_has_its_own_place(repeating, refinery):
    """A document keeps the place that it has when nothing is repeated; copies lie anywhere, not beside each other."""
    base, times, write = repeating
    assert refinery("run", write(SHUFFLED), "-q")[0] == 0
    found = ids_of(base / "shuffled")
    once = DEFINITION.replace("repeat: {times: times}", "keep: [some: times > 0]").replace("often", "once")
    (base / "once.yaml").write_text(once + SHUFFLED.replace("often", "once").replace("shuffled", "once"))
    assert refinery("run", base / "once.yaml", "-q")[0] == 0
    plain = ids_of(base / "once")
    single = {name for name, count in times.items() if count == 1}
    assert [one for one in found if one in single] == [one for one in plain if one in single]
    beside = sum(one == other for one, other in pairwise(found))
    assert beside < len(found) / 10


@pytest.mark.parametrize("shuffle", ["1", "null"])
def test_what_is_held_out_is_written_once(repeating, refinery, shuffle):
    """Copies are all of train, in whatever order."""
    base, times, write = repeating
    assert refinery("run", write(SPLIT.replace(", split:", f", shuffle: {shuffle}, split:")), "-q")[0] == 0
    splits = {"train": Counter(), "validation": Counter()}
    for file in (base / "split").rglob("*.parquet"):
        splits[file.name.partition("-")[0]].update(pq.read_table(file)["id"].to_pylist())
    assert set(splits["validation"].values()) == {1}
    assert not splits["validation"].keys() & splits["train"].keys()
    assert splits["train"] == {n: c for n, c in times.items() if c and n not in splits["validation"]}


def test_a_run_goes_on_and_makes_nothing_twice(repeating, refinery):
    """A removed file of repeats is made again; with nothing gone nothing is."""
    base, _, write = repeating
    definition = write(ORDERED)
    assert refinery("run", definition, "-q")[0] == 0
    before = output_hashes(base / "ordered")
    assert json.loads(refinery("plan", definition, "--json")[1])["to_make"] == []
    next((base / ".refinery").rglob("repeats-*.parquet")).unlink()
    assert (
        json.loads(refinery("plan", definition, "--json")[1])["to_make"][0]["result"] == "stages.often.repeat"
    )
    (base / "ordered.records" / "manifest.json").unlink()
    assert refinery("run", definition, "-q")[0] == 0
    assert output_hashes(base / "ordered") == before
