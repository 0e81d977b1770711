"""What lies in a folder, as sources."""

import json

import pytest

from refinery.api.found_source import FoundSource, found_sources
from tests.conftest import document, write_parquet

TEXT = document(1)


def found(folder) -> dict[str, FoundSource]:
    return {one.path: one for one in found_sources(folder)}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"title": "One", "body": TEXT, "text_id": "x"}, ("title", "body")),
        ({"instruction": "Say it.", "input": "", "output": TEXT}, ("instruction", "input", "output")),
        ({"question": "What?", "answer": TEXT}, ("question", "answer")),
        ({"conversations": [{"from": "human", "value": TEXT}]}, ("conversations",)),
        ({"key": "a-b-c", "beschreibung": TEXT, "n": 7}, ("beschreibung",)),
        ({"pdf": {"body": [{"par": TEXT, "section": "1"}]}, "n": 1}, ("pdf.body.par",)),
        ({"text": TEXT, "title": 7}, ("text",)),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_texts_are_found_by_name_or_length(tmp_path, row, text, form):
    """The same in JSON Lines and Parquet."""
    if form == "parquet":
        write_parquet(tmp_path / "in" / "a.parquet", [row] * 3)
    else:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    one = found(tmp_path)["in"]
    assert (one.text, len(one.texts), one.problem) == (text, 3, "")
    assert all(TEXT in each for each in one.texts)


def test_what_holds_no_text_is_told(tmp_path):
    """Short values alone, and files that cannot be read; what is about a project is no source."""
    write_parquet(tmp_path / "numbers" / "a.parquet", [{"n": 1, "code": "ab"}])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.parquet").write_bytes(b"PAR1 no")
    for name in ("Readme.txt", "LICENSE.txt", "package.json", "requirements-dev.txt", "robots.txt"):
        (tmp_path / name).write_text("{}")
    sources = found(tmp_path)
    assert sources.keys() == {"numbers", "broken"}
    assert sources["numbers"].problem == "no column holds texts: name one by `text`"
    assert sources["broken"].problem


def test_samples_are_from_several_files(tmp_path):
    """Not of the first one alone."""
    for n in range(4):
        rows = [{"text": document(m)} for m in range(100 * n, 100 * n + 100)]
        write_parquet(tmp_path / "in" / f"{n}.parquet", rows)
    texts = found(tmp_path)["in"].texts
    assert len(texts) == 200
    assert {document(0), document(349)} <= set(texts)


def test_names_are_valid_and_of_their_own(tmp_path):
    """Folders in another script are numbered, long names cut, what stages are called is left to them."""
    folders = ["刑法", "宪法", "民法典", "données", "donnees", "screened-en", "unique", "x" * 100, "x" * 101]
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(TEXT)
    names = {one.path: one.name for one in found_sources(tmp_path)}
    assert [names[folder] for folder in folders] == [
        *("source", "source-2", "source-3", "donnees-2", "donnees"),
        *("source-screened-en", "source-unique", "x" * 48, "x" * 48 + "-2"),
    ]
