"""Deduplication through the whole run: who goes, who stays, and the same every time."""

import json
import shutil
import unicodedata
from collections import Counter

import pyarrow.parquet as pq

from tests.cases import Ran, run, write_jsonl, write_table
from tests.conftest import chinese_document, document

DEDUP = {"dedup": {"exact": True, "near": {"similarity": 0.8}}}


def kept(ran: Ran, prefix: str) -> list[str]:
    return [name for name, outcome in ran.outcomes.items() if outcome == "kept" and name.startswith(prefix)]


def price_list(number: int) -> str:
    """60 words of a template with numbers of its own."""
    words = " ".join(document(7, 5).split()[:50]).split()
    for place in range(0, 50, 5):
        words.insert(place, str(number * 100 + place))
    return " ".join(words)


def test_one_survivor_each_and_nothing_that_only_looks_alike_is_lost(tmp_path, refinery):
    """Spellings of one text, copies anywhere, short and empty documents, price lists: all in one corpus."""
    accented = " ".join(f"café{n} naïve señor Übermut it's" for n in range(40))
    spellings = {
        "form-nfc": accented,
        "form-nfd": unicodedata.normalize("NFD", accented),
        "form-zero": accented.replace(" ", " \u200b"),
        "form-nbsp": accented.replace(" ", "\u00a0"),
        "form-quotes": accented.replace("'", "\u2019"),
    }
    price_lists = {f"price-{n:03}": price_list(n) for n in range(100)}
    short = {f"short-{n}": f"word{n} sat here" for n in range(50)} | {
        f"cat-{n}": "cat sat here" for n in range(10)
    }
    empty = {f"empty-{n}": "" for n in range(10)}
    copies = {f"copy-{n}": chinese_document(1) for n in range(3)}
    near = {"near-0": document(9, 60), "near-1": document(9, 60) + "\nOne more line."}
    one = [
        {"id": name, "text": text}
        for name, text in (spellings | price_lists | short | empty | copies | near).items()
    ]
    other = [
        {"id": "copy-elsewhere", "text": chinese_document(1)},
        {"id": "form-elsewhere", "text": accented.upper()},
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", one)
    write_jsonl(tmp_path / "in" / "b.jsonl", other)
    ran = run(refinery, tmp_path, stage={"keep": [{"not_empty": "bytes > 0"}], **DEDUP})
    assert kept(ran, "form-") == ["form-nfc"]
    assert ran.rows["form-nfc"]["text"] == accented
    assert len(kept(ran, "price-")) == 100
    assert len(kept(ran, "short-")) == 50
    assert kept(ran, "cat-") == ["cat-0"]
    assert kept(ran, "empty-") == []
    assert {ran.outcomes[name] for name in empty} == {"not_empty"}
    assert kept(ran, "copy-") == ["copy-0"]
    assert ran.decisions["copy-elsewhere"]["duplicate_of_id"] == "copy-0"
    assert len(kept(ran, "near-")) == 1
    (gone,) = {"near-0", "near-1"} - set(kept(ran, "near-"))
    assert ran.outcomes[gone] == "dedup.near"
    assert 0.8 <= ran.decisions[gone]["similarity"] < 1
    accounts = ran.manifest["stages"]["corpus"]["rules"]
    assert accounts["dedup.exact"]["dropped"]["documents"] == 5 + 9 + 3
    assert accounts["dedup.near"]["dropped"]["documents"] == 1


def test_three_documents_and_far_more_workers(tmp_path, refinery):
    """Nobody has to fit workers to shards, bands or documents."""
    for number, text in enumerate(
        ["one two three four five six", "one two three four five six", "another text altogether"]
    ):
        write_jsonl(tmp_path / "in" / f"{number}.jsonl", [{"id": f"d{number}", "text": text}])
    ran = run(refinery, tmp_path, "--workers", 4, stage=DEDUP)
    assert ran.outcomes == {"d0": "kept", "d1": "dedup.exact", "d2": "kept"}


def test_order_of_listing_and_workers_change_no_byte(tmp_path, refinery):
    """The same shards, made in another order, run by one worker or two: the same files."""
    shards = {
        f"{shard}.jsonl": [{"id": f"{shard}-{n}", "text": document((shard * 7 + n) % 25)} for n in range(12)]
        for shard in range(11)
    }
    contents = []
    for name, order, workers in (("first", 1, 1), ("second", -1, 2)):
        for file in list(shards)[::order]:
            write_jsonl(tmp_path / name / "in" / file, shards[file])
        ran = run(refinery, tmp_path / name, "--workers", workers, stage=DEDUP, output={"shard_bytes": 9000})
        contents.append({f.name: f.read_bytes() for f in ran.output.glob("*.parquet")})
        assert ran.manifest["kept"]["documents"] == 25
    assert len(contents[0]) > 3
    assert contents[0] == contents[1]


def test_dedup_on_another_column_or_threshold_uses_no_old_hashes(tmp_path, refinery):
    """In one work folder: by text, by title, by text with other settings; each as in a folder of its own."""
    rows = [
        {
            "id": f"d{n}",
            "text": document(n // 2, 40) + ("\nOne more line." if n % 2 else ""),
            "title": f"Title {n % 3}",
        }
        for n in range(12)
    ]
    write_table(tmp_path / "in" / "a.parquet", {name: [row[name] for row in rows] for name in rows[0]})
    strict = {"dedup": {"exact": True, "near": {"similarity": 0.999}}}
    expected = [(DEDUP, {}, 6), (DEDUP, {"text": "title"}, 3), (strict, {}, 12), (DEDUP, {}, 6)]
    for stage, source, count in expected:
        ran = run(refinery, tmp_path, stage=stage, source=source)
        assert ran.manifest["kept"]["documents"] == count
        alone = run(
            refinery,
            tmp_path,
            "--work",
            tmp_path / "alone",
            stage=stage,
            source=source,
            output={"path": "alone-out"},
        )
        assert [f.name for f in ran.output.glob("*.parquet")] == [
            f.name for f in alone.output.glob("*.parquet")
        ]
        for file in ran.output.glob("*.parquet"):
            assert file.read_bytes() == (alone.output / file.name).read_bytes()
        shutil.rmtree(tmp_path / "alone")


def test_one_file_in_two_sources(tmp_path, refinery):
    """Its documents are judged once for each source: the first source's are kept, the second's are its duplicates."""
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": f"d{n}", "text": f"text {n}"} for n in range(5)])
    definition = {
        "refinery": 1,
        "name": "twice",
        "sources": {"all": {"path": "in"}, "one": {"path": "in/a.jsonl"}},
        "outputs": {"corpus": {"from": "corpus", "path": "out"}},
    }
    expected = {("all", "kept"): 5, ("one", "dropped"): 5}
    for stage in ({"dedup": {"exact": True}}, {"keep": [{"only": "source = 'all'"}]}):
        definition["stages"] = {"corpus": {"from": ["all", "one"], **stage}}
        (tmp_path / "twice.yaml").write_text(json.dumps(definition), encoding="utf-8")
        assert refinery("run", tmp_path / "twice.yaml", "-q", "--workers", 1)[0] == 0
        rows = pq.read_table(tmp_path / "out.records" / "decisions-00000.parquet").to_pylist()
        assert Counter((row["source"], row["outcome"]) for row in rows) == expected


def test_a_shuffle_with_more_files_than_documents(tmp_path, refinery):
    """Files that get no document are not written; every document is there once."""
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": f"d{n}", "text": f"text {n}"} for n in range(5)])
    ran = run(refinery, tmp_path, output={"shard_bytes": 5, "shuffle": 3})
    assert sorted(ran.table.column("id").to_pylist()) == [f"d{n}" for n in range(5)]
    assert all(file["rows"] for file in ran.manifest["files"])
