"""What an argument of `refinery find` stands for."""

import io
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.report.questions import Question, questions_of


@pytest.mark.parametrize("text", ["a text", "two\nlines", "x" * 5000, "no\0name", ""])
def test_what_is_no_file_is_a_text(text):
    """Whatever no file can be called; its name is its beginning."""
    ((name, found),) = [(q.name, q.text) for q in questions_of(text)]
    assert found == text
    assert len(name) <= 60


def test_a_file_of_text_is_one_question(tmp_path):
    """As it stands, line ends too."""
    file = tmp_path / "a.txt"
    file.write_bytes("é\r\nend".encode())
    assert questions_of(str(file)) == [Question(str(file), "é\r\nend")]
    file.write_bytes(b"abc\xff")
    with pytest.raises(InputError, match=r"a\.txt: not UTF-8 text \(byte 3\)"):
        questions_of(str(file))


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_each_row_is_a_question(tmp_path, name):
    """With its number, whatever the file's format."""
    rows, file = [{"text": "one"}, {"text": "two"}], tmp_path / name
    if name == "a.jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), file)
    assert questions_of(str(file)) == [
        Question(f"{file}, row {n}", row["text"]) for n, row in enumerate(rows)
    ]


def test_a_row_without_a_text_is_told(tmp_path):
    """An answer that leaves one out would be taken for a whole one."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "one"}\n{"txt": "two"}\n')
    with pytest.raises(InputError, match="row 1: missing_text"):
        questions_of(str(file))


def test_a_dash_is_standard_input(monkeypatch):
    """All of it is one text."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("漢\nb".encode())))
    assert questions_of("-") == [Question("standard input", "漢\nb")]
