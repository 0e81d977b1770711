"""What is known of files saves the looks at them, and is never taken for more than it is."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.sources.documents import Cut, Shard
from refinery.sources.identity import COVERED
from refinery.sources.inventory import (
    KnownFile,
    inventory_file,
    keep_hashes,
    read_inventory,
    update_inventory,
)
from refinery.sources.shards import SHARD_BYTES, list_shards
from refinery.storage.marks import OWNER, records_of

from .reading import describe, spec
from .test_identity import flip

PAST = 10**18  # ns: a time at which no test was written
LINE = '{"text": "%07d"}\n'
BETWEEN = 10_000  # a place that no hashed block of a LARGE file covers
LARGE = 20 * COVERED


def write(path: Path, content: str | bytes, stamp: int = PAST) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, ns=(stamp, stamp))
    return path


def large(path: Path, stamp: int = PAST) -> Path:
    return write(path, "".join(LINE % n for n in range(LARGE // len(LINE % 0))), stamp)


@pytest.fixture
def corpus(tmp_path) -> Path:
    for number in range(4):
        write(tmp_path / "corpus" / f"{number}.jsonl", LINE % number)
    pq.write_table(pa.table({"text": ["p"], "year": [1]}), tmp_path / "corpus" / "4.parquet")
    os.utime(tmp_path / "corpus" / "4.parquet", ns=(PAST, PAST))
    write(tmp_path / "corpus" / "notes.doc", "notes")
    return tmp_path / "corpus"


def planned(corpus: Path, **options: object) -> tuple[Shard, ...]:
    """Shards as they are with what is known; they are the same without, and told from one state of the files."""
    source = spec(corpus, **options)
    found = list_shards(source, known_in=corpus.parent / "known")
    assert replace(found, inventory=None) == list_shards(source)
    return found.shards


_OPENED: list[str] = []
sys.addaudithook(lambda event, found: _OPENED.append(str(found[0])) if event == "open" else None)


def opened(corpus: Path) -> set[str]:
    """The files of a corpus that a plan opens."""
    before = len(_OPENED)
    list_shards(spec(corpus), known_in=corpus.parent / "known")
    return {Path(path).name for path in _OPENED[before:] if path.startswith(f"{corpus}/")} - {OWNER}


def identity(path: Path) -> str:
    """Of a file of one shard, with what is known."""
    return list_shards(spec(path), known_in=path.parent / "known").shards[0].identity


def read(path: Path, shard_bytes: int = SHARD_BYTES) -> None:
    """A run reads a source to its end."""
    found = list_shards(spec(path), shard_bytes, known_in=path.parent / "known")
    keep_hashes(found.inventory, [(shard, describe(shard, spec(shard.path)).hash) for shard in found.shards])


def test_what_is_known_is_not_looked_at(corpus):
    """The first plan opens every file, the second none, the next ones those that were touched or moved here."""
    names = {path.name for path in corpus.iterdir()}
    assert opened(corpus) == names
    assert opened(corpus) == set()
    os.utime(corpus / "2.jsonl", ns=(PAST, PAST + 1))
    (corpus / "3.jsonl").rename(corpus / "0.jsonl")
    assert opened(corpus) == {"2.jsonl", "0.jsonl"}
    assert opened(corpus) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda corpus: write(corpus / "10.jsonl", LINE % 10),
        lambda corpus: write(corpus / "2.jsonl", LINE % 22, PAST + 1),
        lambda corpus: write(corpus / "2.jsonl", LINE % 2 + LINE % 3),
        lambda corpus: (corpus / "2.jsonl").unlink(),
        lambda corpus: (corpus / "2.jsonl").rename(corpus / "1b.jsonl"),
        lambda corpus: (corpus / "2.jsonl").replace(corpus / "3.jsonl"),
        lambda corpus: os.utime(corpus / "2.jsonl", ns=(0, PAST + 1)),
        lambda corpus: write(corpus / "notes.doc", LINE % 5, PAST + 1),
        lambda corpus: write(corpus / "4.parquet", "no Parquet", PAST + 1),
    ],
    ids=["new", "changed", "longer", "removed", "renamed", "replaced", "touched", "other format", "broken"],
)
def test_a_changed_corpus_is_planned_as_if_nothing_were_known(corpus: Path, change: Callable[[Path], object]):
    """New, changed, removed and renamed files; the plan after it needs no look at any of them."""
    before = {shard.relative_path: shard.identity for shard in planned(corpus)}
    change(corpus)
    after = {shard.relative_path: shard.identity for shard in planned(corpus)}
    assert before.items() & after.items() >= {(f"{n}.jsonl", before[f"{n}.jsonl"]) for n in (0, 1)}
    assert planned(corpus)


def test_nothing_is_written_when_nothing_was_found_out(corpus):
    """A plan of what is known leaves the file alone, and so does a plan of fewer files."""
    planned(corpus)
    (file,) = (corpus.parent / "known").iterdir()
    before = file.stat().st_ino
    planned(corpus)
    (corpus / "2.jsonl").unlink()
    planned(corpus)
    assert file.stat().st_ino == before


def test_what_a_narrower_source_lacks_stays_known(corpus):
    """A source that names one file for a while, then all again."""
    planned(corpus)
    list_shards(spec(corpus / "1.jsonl"), known_in=corpus.parent / "known")
    assert opened(corpus) == set()


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: flip(file, 9)])
def test_a_damaged_inventory_is_made_again(corpus, damage):
    """Files are looked at again, and the next plan knows them."""
    before = planned(corpus)
    (file,) = (corpus.parent / "known").iterdir()
    good = file.read_bytes()
    damage(file)
    assert planned(corpus) == before
    assert file.read_bytes() == good


def test_a_large_file_that_was_only_touched_keeps_its_identity(tmp_path):
    """It was read to the end; the hashes of its parts tell that nothing changed, in one shard and in several."""
    path = large(tmp_path / "a.jsonl")
    fresh = list_shards(spec(path)).shards[0].identity
    for size in (SHARD_BYTES, LARGE // 3):
        read(path, size)
    for stamp in (PAST + 1, PAST + 2):
        os.utime(path, ns=(stamp, stamp))
        for size in (SHARD_BYTES, LARGE // 3):
            shards = list_shards(spec(path), size, known_in=tmp_path / "known").shards
            assert {shard.identity for shard in shards} == {fresh}


def test_a_change_between_the_blocks_gives_another_identity(tmp_path):
    """Size and blocks are the same, the time stamp is new: the whole tells, and each content has one identity."""
    path = large(tmp_path / "a.jsonl")
    fresh = identity(path)
    read(path)
    found = []
    for stamp in range(PAST + 1, PAST + 4):
        flip(path, BETWEEN)
        assert list_shards(spec(path)).shards[0].identity == fresh  # nothing else would tell
        os.utime(path, ns=(stamp, stamp))
        found.append(identity(path))
        read(path)
    assert found[0] == found[2] != found[1]
    assert all(one.startswith(f"{fresh}-") for one in found)


def test_a_large_file_that_was_not_read_to_the_end_is_not_trusted(tmp_path):
    """What an interrupted run made of it may be of another content; after that its identity stays."""
    path = large(tmp_path / "a.jsonl")
    fresh = identity(path)
    os.utime(path, ns=(PAST + 1, PAST + 1))
    whole = identity(path)
    assert whole.startswith(f"{fresh}-")
    os.utime(path, ns=(PAST + 2, PAST + 2))
    assert identity(path) == whole


def test_hashes_are_of_the_file_that_was_read(tmp_path):
    """Not of one that took its place, and not before all of its shards were read."""
    path = large(tmp_path / "a.jsonl")
    listed = list_shards(spec(path), LARGE // 3, known_in=tmp_path / "known")
    file = listed.inventory
    hashes = [(shard, describe(shard, spec(shard.path)).hash) for shard in listed.shards]
    others = [(replace(shard, identity="0" * 32), found) for shard, found in hashes]
    for some in (hashes[1:], others, []):
        keep_hashes(file, some)
        assert read_inventory(file)[path.name].hashes == ()
    keep_hashes(file, reversed(hashes))
    assert read_inventory(file)[path.name].hashes == tuple(found for _, found in hashes)


def test_what_was_written_just_now_is_looked_at_again(tmp_path):
    """Within a tick of the clock another content can have the same time stamp; a large file is compared whole."""
    small = write(tmp_path / "b" / "a.jsonl", LINE % 1, time.time_ns())
    big = large(tmp_path / "c" / "a.jsonl", time.time_ns())
    for path, place in ((small, 12), (big, BETWEEN)):
        before = identity(path)
        assert identity(path) == before == list_shards(spec(path)).shards[0].identity
        flip(path, place)
        assert identity(path) != before


def test_what_is_beside_a_file_bears_on_it_too(corpus):
    """A manifest that appears tells which columns refinery made; a file that is alone must be readable."""
    assert {shard.made for shard in planned(corpus)} == {()}
    records = records_of(corpus)
    records.mkdir()
    write(records / OWNER, "{}")
    write(records / "manifest.json", json.dumps({"made_columns": ["words"]}))
    assert ("words",) in {shard.made for shard in planned(corpus)}
    (records / "manifest.json").unlink()
    assert {shard.made for shard in planned(corpus)} == {()}
    (records / OWNER).unlink()
    planned(corpus)
    with pytest.raises(InputError, match="the format cannot be told"):
        list_shards(spec(corpus / "notes.doc"), known_in=corpus.parent / "known")


def test_other_settings_have_another_inventory(corpus, tmp_path):
    """Whatever cuts and columns follow from; not the extractor, which bears on texts alone."""
    source = spec(corpus)
    others = [{"text": "body"}, {"id": "uid"}, {"format": "jsonl"}, {"binary_text": True}, {"name": "b"}]
    others += [{"record": "page"}, {"encoding": "latin-1"}, {"keep": ("a",)}, {"drop": ("a",)}]
    sources = [source, *(replace(source, **other) for other in others)]
    assert len({inventory_file(tmp_path, one, 1) for one in sources}) == len(sources)
    assert inventory_file(tmp_path, source, 1) != inventory_file(tmp_path, source, 2)
    same = replace(source, path=("/elsewhere",), extractor="trafilatura", on_error="fail")
    assert inventory_file(tmp_path, same, 1) == inventory_file(tmp_path, source, 1)


def test_inventories_are_added_to(tmp_path):
    """Two runs that found out different things both leave them; all fields come back as they were."""
    file = tmp_path / "known" / "a.parquet"
    cuts = (Cut(0, 1, 0, 5, 9), Cut(1, -1, 5, None, 2**40))
    one = {
        "a": KnownFile(1, "s", 2, "i", "parquet", cuts, b"x", ("m",), ("h", "g")),
        "b": KnownFile(2, "", 0, "j"),
    }
    update_inventory(file, one)
    other = {
        "b": KnownFile(3, "t", 0, "k", "jsonl", cuts[:1], b"y"),
        "c": KnownFile(4, "u", 0, "l", carried=b"x"),
    }
    update_inventory(file, other)
    update_inventory(file, {})
    assert read_inventory(file) == {**one, **other}


def test_stores_without_tags_are_read_as_disks_are():
    """By ranges; a new time of an object with the same content is no change."""
    store = fsspec.filesystem("memory")
    content = "".join(LINE % n for n in range(LARGE // len(LINE % 0))).encode()
    source = spec("memory://inventory/corpus")

    def found() -> Shard:
        known_in = pytest.importorskip("upath").UPath("memory://inventory/known")
        listed = list_shards(source, known_in=known_in)
        (shard,) = listed.shards
        keep_hashes(listed.inventory, [(shard, describe(shard, spec(shard.path)).hash)])
        return shard

    def put(content: bytes) -> None:
        store.pipe("/inventory/corpus/a.jsonl", content)

    put(content)
    before = found()
    put(content)
    assert found().stamp != before.stamp
    assert found().identity == before.identity
    put(content[:BETWEEN] + b"x" + content[BETWEEN + 1 :])
    assert found().identity != before.identity


def test_what_is_known_of_other_files_hides_no_mistake(tmp_path):
    """A source that has come to other files is looked at as a new one is."""
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "b.jsonl").write_text("<html><body>Not found</body></html>")
    known_in = tmp_path / "known"
    found = [list_shards(spec(tmp_path / "a.jsonl"), known_in=known_in).is_new for _ in range(2)]
    assert found == [True, False]
    with pytest.raises(InputError, match=r"b\.jsonl: this is an HTML or XML page"):
        list_shards(spec(tmp_path / "b.jsonl"), known_in=known_in)
