import builtins
import bz2
import gzip
import json
import lzma
import os
import pickle
import threading
from pathlib import Path

import fsspec
import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from refinery.errors import InputError
from refinery.sources.documents import SourceSpec
from refinery.sources.heads import HEAD_FILES
from refinery.sources.identity import verify_unchanged
from refinery.sources.shards import head_schemas, list_shards

from .reading import read_all, spec


def corpus(folder: Path) -> Path:
    for number in (1, 2, 10):
        (folder / f"p{number}.jsonl").write_text(json.dumps({"text": f"t{number}"}) + "\n")
    return folder


def test_shards_are_in_natural_order_and_numbered(tmp_path):
    """Order and identities are the same on every listing; a shard can be sent to another process."""
    shards = list_shards(spec(corpus(tmp_path))).shards
    assert [(s.relative_path, s.index) for s in shards] == [
        ("p1.jsonl", 0),
        ("p2.jsonl", 1),
        ("p10.jsonl", 2),
    ]
    assert list_shards(spec(tmp_path)).shards == shards
    assert pickle.loads(pickle.dumps(shards)) == shards
    assert len({shard.identity for shard in shards}) == 3


def test_a_look_at_heads_that_stops_halfway_leaves_no_thread(tmp_path):
    """Who has found what it wanted in the first file asks for no other."""
    before = threading.active_count()
    heads = head_schemas(spec(corpus(tmp_path)))
    place, _ = next(heads)
    assert (Path(place).name, threading.active_count()) == ("p1.jsonl", before)


def test_formats_are_told_by_name_or_content(tmp_path):
    """A file without an ending is looked at; others among shards are passed over and counted."""
    pq.write_table(pa.table({"text": ["p"]}), tmp_path / "part-0")
    (tmp_path / "part-1").write_text('{"text": "j"}\n')
    (tmp_path / "part-2.NDJSON").write_text('{"text": "n"}\n')
    (tmp_path / "notes.doc").write_text("notes")
    (tmp_path / "dataset_infos.json").write_text('{\n  "a": 1\n}')
    found = list_shards(spec(tmp_path))
    assert [shard.format for shard in found.shards] == ["parquet", "jsonl", "jsonl"]
    assert {(one.why, one.ending, one.example) for one in found.passed_over} == {
        ("no text", ".json", "dataset_infos.json"),
        ("unknown format", ".doc", "notes.doc"),
    }
    assert read_all(spec(tmp_path)).texts == ["p", "j", "n"]


def test_a_single_file_of_unknown_format_is_an_error(tmp_path):
    """The hint says what to set."""
    (tmp_path / "a.doc").write_text("text")
    with pytest.raises(InputError, match="the format cannot be told"):
        list_shards(spec(tmp_path / "a.doc"))


def test_the_format_can_be_said(tmp_path):
    """What the definition says goes before names."""
    (tmp_path / "a.txt").write_text('{"text": "x"}')
    assert read_all(spec(tmp_path / "a.txt", format="jsonl")).texts == ["x"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{\n "text": "x"\n}', "JSON that is not one object a line"),
        (b'[{"text": "x"}]', "JSON that is not one object a line"),
        (b'{"text": "x"}{"text": "y"}', "JSON that is not one object a line"),
        (b"PAR1", "Parquet"),
    ],
)
def test_a_format_that_is_said_wrongly_is_told(tmp_path, content, problem):
    """By what the file is and what to do, if no file has it; with `on_error: fail` if one has it not."""
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.json: this is {problem}, .*leave `format` out"):
        list_shards(spec(tmp_path, format="jsonl"))
    (tmp_path / "b.json").write_text('{"text": "x"}\n{"text": "y"}\n')
    assert len(list_shards(spec(tmp_path, format="jsonl")).shards) == 2
    with pytest.raises(InputError, match=rf"a\.json: this is {problem}"):
        list_shards(spec(tmp_path, format="jsonl", on_error="fail"))


def test_json_that_describes_a_data_set_is_no_document(tmp_path):
    """An object without a text is passed over beside data of other formats, and broken beside other documents."""
    (tmp_path / "dataset_infos.json").write_text('{"default": {"features": {}}}')
    with pytest.raises(InputError, match=r"dataset_infos\.json: no key 'text'; there is default"):
        list_shards(spec(tmp_path))
    pq.write_table(pa.table({"text": ["p"]}), tmp_path / "a.parquet")
    found = list_shards(spec(tmp_path, on_error="fail"))
    assert [(one.why, one.example) for one in found.passed_over] == [("no text", "dataset_infos.json")]
    (tmp_path / "b.json").write_text('{\n"text": "j"\n}')
    found = list_shards(spec(tmp_path))
    assert found.broken == (("dataset_infos.json", "no key 'text'; there is default (set `text`)"),)
    assert not found.passed_over
    with pytest.raises(InputError, match=r"dataset_infos\.json: no key 'text'"):
        list_shards(spec(tmp_path, on_error="fail"))


def test_no_data_at_all_is_an_error(tmp_path):
    """A folder of strays names some of them."""
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(
        InputError, match=r"no data among 1 files: 1 \.md file \(stray name\), such as README\.md"
    ):
        list_shards(spec(tmp_path))


def test_a_file_that_cannot_be_opened_is_broken(tmp_path):
    """A dangling link is named; the others are read."""
    (corpus(tmp_path) / "p3.jsonl").symlink_to(tmp_path / "gone")
    found = list_shards(spec(tmp_path))
    assert len(found.shards) == 3
    assert found.broken == (("p3.jsonl", "cannot be read: No such file or directory"),)


def test_carried_columns_are_unified_in_planning(tmp_path):
    """A clash between Parquet files is refused before any text is read."""
    for number, kind in enumerate([pa.string(), pa.string(), pa.int64()]):
        columns = {"text": ["x"], "year": pa.array([None], kind)}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
    with pytest.raises(
        InputError, match=r"2\.parquet: column 'year' is int64 here but string in .*0\.parquet"
    ):
        list_shards(spec(tmp_path))
    (tmp_path / "2.parquet").unlink()
    assert list_shards(spec(tmp_path)).schema == pa.schema([("year", pa.string())])


def test_a_source_of_several_patterns(tmp_path):
    """Files of one name in two folders stay apart, with ids of their own."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part-0.jsonl").write_text('{"text": "x"}')
    source = SourceSpec("s", (str(tmp_path / "a"), str(tmp_path / "b")))
    found = read_all(source)
    assert len(set(found.ids)) == 2
    assert [s.relative_path for s in list_shards(source).shards] == ["a/part-0.jsonl", "b/part-0.jsonl"]


def test_minted_ids_do_not_change_when_a_corpus_moves(tmp_path):
    """They depend on the path below the source's root alone."""
    (tmp_path / "one").mkdir()
    ids = read_all(spec(corpus(tmp_path / "one"))).ids
    (tmp_path / "one").rename(tmp_path / "two")
    assert read_all(spec(tmp_path / "two")).ids == ids


def test_urls_are_read_like_local_files(tmp_path):
    """Parquet, JSONL and gzip from a filesystem URL: same documents, and changes are noticed."""
    store = fsspec.filesystem("memory")
    pq.write_table(pa.table({"id": [1, 2], "text": ["x", "y"], "n": [3, 4]}), tmp_path / "a.parquet")
    store.pipe("/bucket/a.parquet", (tmp_path / "a.parquet").read_bytes())
    store.pipe("/bucket/b.jsonl", b'{"id": 3, "text": "z"}\n' * 100)
    found = read_all(spec("memory://bucket"), carry=True, shard_bytes=500)
    assert found.texts == ["x", "y"] + ["z"] * 100
    assert found.columns[0] == {"n": 3}
    shard = list_shards(spec("memory://bucket/a.parquet")).shards[0]
    verify_unchanged([shard])
    store.pipe("/bucket/a.parquet", b"other")
    with pytest.raises(InputError, match="has changed"):
        verify_unchanged([shard])


def test_shards_show_no_secrets():
    """Names and relative paths go into manifests and reports."""
    store = fsspec.filesystem("memory")
    store.pipe("/secrets/a.jsonl", b'{"text": "x"}')
    shards = list_shards(SourceSpec("s", ("memory://secrets/a.jsonl",))).shards
    assert shards[0].name == "memory://secrets/a.jsonl"
    assert shards[0].relative_path == "a.jsonl"


def test_a_file_without_its_dictionary_is_told_before_the_work(tmp_path):
    """Alone at planning; beside others that are read its reject says so, whatever its name."""
    samples = [f"the patient {n} was given {n * 7} mg of drug {n % 13}".encode() * 3 for n in range(300)]
    compressor = zstandard.ZstdCompressor(dict_data=zstandard.train_dictionary(4096, samples))
    (tmp_path / "b.jsonl.zst").write_bytes(compressor.compress(b'{"text": "the patient"}\n'))
    with pytest.raises(InputError, match="zstd dictionary"):
        list_shards(spec(tmp_path))
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    found = read_all(spec(tmp_path))
    assert (found.texts, found.reasons) == (["x"], ["unreadable"])
    assert "zstd -d -D" in found.rejects[0].detail
    (tmp_path / "b.jsonl.zst").rename(tmp_path / "b")
    assert "zstd dictionary" in list_shards(spec(tmp_path)).broken[0][1]


@pytest.mark.parametrize("name", ["wiki_00.bz2", "RC_2015-01.xz", "part-00000.txt.gz", "a.lz4", "part-0"])
def test_the_format_is_told_below_the_compression(tmp_path, name):
    """JSON Lines under names that say nothing of it, compressed so well or badly as they are."""
    rows = "".join(f'{{"text": "{n * 7919 % 1_000_003} {n}"}}\n' for n in range(40_000)).encode()
    compress = {"bz2": bz2.compress, "xz": lzma.compress, "gz": gzip.compress}
    data = compress.get(name.rpartition(".")[2], lz4.frame.compress)(rows)
    (tmp_path / name).write_bytes(data)
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    assert len(read_all(spec(tmp_path)).texts) == 40_001


def test_a_small_file_is_opened_once_to_be_listed(tmp_path, monkeypatch):
    """Whatever is looked at in it: what it is known by, what it is, whether it has a text."""
    for number, (ending, content) in enumerate(
        [("jsonl", '{"text": "a"}\n'), ("json", '{"text": "a"}'), ("txt", "a")] * 9
    ):
        (tmp_path / f"{number}.{ending}").write_text(content)
    opened = []
    for module in (os, builtins):
        real = module.open
        monkeypatch.setattr(
            module,
            "open",
            lambda path, *rest, real=real, **named: opened.append(path) or real(path, *rest, **named),
        )
    found = list_shards(spec(tmp_path))
    assert len(found.shards) == 27
    # of some it is looked at whether all are of another form
    twice = len(opened) - len(set(map(str, opened)))
    assert twice <= HEAD_FILES and len(opened) - twice == len(found.shards)
