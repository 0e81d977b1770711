"""`refinery find`: what is in an output, against a comparison of every document's shingles in plain Python."""

import io
import json
import random
import sys
from functools import cache

import pyarrow.parquet as pq
import pytest
import redis

from tests.cases import Ran, run, write_jsonl, write_table
from tests.conftest import chinese_document, document, output_hashes
from tests.text.test_shingles import reference

DOCUMENTS = {f"en{n}": document(n) for n in range(60)} | {f"zh{n}": chinese_document(n) for n in range(30)}
DOCUMENTS |= {"short": "Three short words.", "twin": document(7).replace("patient", "person")}


def edited(text: str, words: int, seed: int) -> str:
    """The text with some of its words replaced; of Chinese, some of its characters."""
    chosen = random.Random(seed)
    spaced = " " in text
    pieces = text.split(" ") if spaced else list(text)
    for place in chosen.sample(range(len(pieces)), min(words, len(pieces))):
        pieces[place] = f"changed{seed}" if spaced else "龘"
    return (" " if spaced else "").join(pieces)


QUESTIONS = [edited(text, n % 9, n) for n, text in enumerate(DOCUMENTS.values())] + [document(1000), "。"]


@cache
def shingles(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(reference(text, 5, 8))


def similarity(one: str, other: str) -> float:
    own, theirs = shingles(one), shingles(other)
    return len(own & theirs) / len(own | theirs) if own | theirs else 0.0


@pytest.fixture
def output(request, tmp_path, refinery) -> Ran:
    """A finished run over English and Chinese documents, a part of them in each of two files."""
    written = getattr(request, "param", "parquet")
    rows = [{"id": name, "text": text} for name, text in DOCUMENTS.items()]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows[:40])
    columns = {name: [row[name] for row in rows[40:]] for name in ("id", "text")}
    write_table(tmp_path / "in" / "b.parquet", columns)
    return run(refinery, tmp_path, output={"format": written, "shard_bytes": 30_000})


both_formats = pytest.mark.parametrize("output", ["parquet", "jsonl"], indirect=True)


def asked(refinery, ran: Ran, *arguments: object, code: int = 0) -> list[dict]:
    ended, out, err = refinery("find", ran.output, *arguments, "--json", "-n", 1000)
    assert ended == code, err
    return json.loads(out)


@both_formats
@pytest.mark.parametrize("threshold", [0.4, 0.8])
def test_every_document_at_the_threshold_is_found(output, refinery, tmp_path, threshold):
    """Those of a comparison of all with all, each with its similarity and place; nothing below the threshold."""
    questions = write_jsonl(tmp_path / "questions.jsonl", [{"text": text} for text in QUESTIONS])
    answers = asked(refinery, output, questions, "--threshold", threshold)
    close = lost = 0
    for number, (question, answer) in enumerate(zip(QUESTIONS, answers, strict=True)):
        assert answer["text"] == f"{questions}, row {number}"
        wanted = {name: similarity(question, text) for name, text in DOCUMENTS.items()}
        found = {one["id"]: one["similarity"] for one in answer["documents"]}
        assert list(found.values()) == sorted(found.values(), reverse=True)
        for name, value in found.items():
            assert value == pytest.approx(wanted[name]) or DOCUMENTS[name] == question
            assert value >= threshold
        expected = {name for name, value in wanted.items() if value >= threshold}
        close += len(expected)
        lost += len(expected - found.keys())
    assert close > 50
    assert lost <= close // 100


@both_formats
def test_a_document_found_is_the_one_of_the_source(output, refinery):
    """Lineage leads to the row that was asked for; the same words in other letters and spaces are told as such."""
    text = DOCUMENTS["zh29"].replace("\n", " \t")
    (answer,) = asked(refinery, output, text)
    first = answer["documents"][0]
    assert (first["id"], first["exact"], first["similarity"]) == ("zh29", True, 1.0)
    assert first["lineage"]["path"] == "b.parquet"
    table = pq.read_table(output.output.parent / "in" / "b.parquet")
    assert table["text"][first["lineage"]["row"]].as_py() == DOCUMENTS["zh29"]
    (answer,) = asked(refinery, output, DOCUMENTS["en7"].upper())
    assert [(one["id"], one["exact"]) for one in answer["documents"]] == [("en7", True), ("twin", False)]
    near = answer["documents"][1]
    assert near["similarity"] == pytest.approx(similarity(DOCUMENTS["en7"], DOCUMENTS["twin"]))
    assert abs(near["estimate"] - near["similarity"]) < 0.2


def test_a_short_text_is_found_by_its_words_alone(output, refinery):
    """And it is said that near copies were not looked for."""
    (answer,) = asked(refinery, output, "three SHORT words")
    assert [one["id"] for one in answer["documents"]] == ["short"]
    assert not answer["near"]
    code, out, _ = refinery("find", output.output, "three other words")
    assert code == 1
    assert "not found (too short for near copies" in out


def test_texts_come_as_arguments_files_and_standard_input(output, refinery, tmp_path, monkeypatch):
    """A text file is one document; a file of rows one for each; what no text can be is told."""
    file = tmp_path / "question.txt"
    file.write_text(DOCUMENTS["en3"] + "\n", "utf-8")
    code, out, _ = refinery("find", output.output, file)
    assert code == 0
    assert out.splitlines()[0] == f"{file}: 1 found"
    assert out.splitlines()[1].startswith("  1.000 (the same words)  en3  crawl, a.jsonl, row 3")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DOCUMENTS["zh3"].encode())))
    assert asked(refinery, output, "-")[0]["documents"][0]["id"] == "zh3"
    rows = write_jsonl(tmp_path / "rows.jsonl", [{"text": DOCUMENTS["en1"]}, "no json"])
    file.write_bytes(b"abc\xff")
    for arguments, message in (
        ((rows,), "row 1: not_json"),
        ((file,), "not UTF-8 text (byte 3)"),
        (("text", "--index", file), "not an index"),
        (("text", "--index", tmp_path), "cannot be read"),
        (("text", "--index", tmp_path / "no" / "folder"), "the folder does not exist"),
    ):
        code, out, err = refinery("find", output.output, *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in err
        assert "Traceback" not in err
    assert refinery("find", tmp_path, "text")[0] == 2


@both_formats
def test_the_output_stays_as_it_is(output, refinery):
    """The index lies beside it, is made once, and made again only when the output has changed."""
    before = output_hashes(output.output)
    index = output.output.with_name("out.index")
    first = refinery("find", output.output, DOCUMENTS["en1"])
    made = index.read_bytes()
    second = refinery("find", output.output, DOCUMENTS["en1"])
    assert first[:2] == second[:2]
    assert "Reading 92 documents" in first[2]
    assert second[2] == ""
    assert (output_hashes(output.output), index.read_bytes()) == (before, made)
    folder = output.output.parent
    write_jsonl(folder / "in" / "c.jsonl", [{"id": "new", "text": document(2000)}])
    run(refinery, folder, output={"shard_bytes": 30_000})
    assert asked(refinery, output, document(2000))[0]["documents"][0]["id"] == "new"


def test_a_damaged_index_is_told(output, refinery):
    """It is an error with exit code 2, and what to do stands in it."""
    refinery("find", output.output, "text")
    index = output.output.with_name("out.index")
    content = bytearray(index.read_bytes())
    for place in (len(content) // 3, len(content) - 40):
        content[place] ^= 1
        index.write_bytes(content)
        code, _, err = refinery("find", output.output, "text")
        assert code == 2
        assert "out.index" in err
        assert "remove it" in err


def test_redis_answers_as_the_file_does(output, refinery, redis_url, tmp_path):
    """The same answers; the corpus is read once; a made half is finished by the next call."""
    questions = write_jsonl(tmp_path / "questions.jsonl", [{"text": text} for text in QUESTIONS])
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        expected = asked(refinery, output, questions)
        assert asked(refinery, output, questions, "--index", redis_url) == expected
        _, _, err = refinery("find", output.output, questions, "--index", redis_url)
        assert err == ""
        names = client.keys("refinery*")
        (whole,) = (name for name in names if name.endswith(b"_wholewhole"))
        buckets = [name for name in names if b"_bucket_" in name]
        client.delete(whole, whole.removesuffix(b"whole"), *buckets[: len(buckets) // 2])
    assert asked(refinery, output, questions, "--index", redis_url) == expected


def test_a_server_that_is_not_there(output, refinery, redis_url):
    """One line without the password, exit code 2."""
    gone = redis_url.rpartition(":")[0] + ":1/0"
    code, out, err = refinery("find", output.output, "text", "--index", gone)
    assert (code, out) == (2, "")
    assert "error: redis: does not answer" in err
    assert "its-secret-word" not in err


def test_an_output_on_a_store(bucket, refinery, tmp_path):
    """Output and index on S3."""
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": name, "text": text} for name, text in DOCUMENTS.items()])
    run_there = {"from": "corpus", "path": f"{bucket}/out"}
    definition = {"refinery": 1, "name": "s", "sources": {"crawl": {"path": "in"}}}
    definition |= {"stages": {"corpus": {"from": "crawl"}}, "outputs": {"corpus": run_there}}
    (tmp_path / "p.yaml").write_text(json.dumps(definition), "utf-8")
    assert refinery("run", tmp_path / "p.yaml")[0] == 0
    for text in (DOCUMENTS["zh4"], DOCUMENTS["en4"]):
        code, out, err = refinery("find", f"{bucket}/out", text)
        assert code == 0, err
        assert "1.000 (the same words)" in out
    assert err == ""


def test_a_name_of_no_file_is_no_text(refinery, tmp_path, monkeypatch):
    """A mistyped file or a folder ends with exit code 2, whatever the output: `not found` would tell of a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("exams/quesiton.jsonl", "./nothere", "questions.txt", "folder"):
        code, out, err = refinery("find", "out", name)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {name}: ")
