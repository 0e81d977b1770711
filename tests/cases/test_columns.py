"""Text, columns and rows of a source as teams have them: what they find in their files is what they get."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources.reading import read_all, spec

CHAT = [{"role": "user", "content": "What did it hold?"}, {"role": "assistant", "content": "It held."}]


def written(folder: Path, rows: list[dict[str, object]], form: str) -> Path:
    """The rows as a file of a format."""
    path = folder / f"a.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("row", "text", "expected", "rest"),
    [
        ({"messages": CHAT}, ("messages",), "user: What did it hold?\n\nassistant: It held.", {}),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}], "n": 1},
            ("conversations",),
            "human: Hi\n\ngpt: Ho",
            {"n": 1},
        ),
        ({"paragraphs": ["One.", None, "Two."]}, ("paragraphs",), "One.\n\nTwo.", {}),
        ({"title": "T", "abstract": "A"}, ("title", "abstract"), "T\n\nA", {}),
        ({"title": None, "abstract": "A", "year": 2}, ("title", "abstract"), "A", {"year": 2}),
        ({"title": "", "chat": CHAT[:1]}, ("title", "chat"), "user: What did it hold?", {}),
        (
            {"pdf": {"body": [{"text": "P", "section": "1"}, {"text": "Q", "section": "2"}], "pages": 2}},
            ("pdf.body.text",),
            "P\n\nQ",
            {"pdf": {"body": [{"section": "1"}, {"section": "2"}], "pages": 2}},
        ),
        ({"body": [{"text": "P"}, {"text": "Q"}]}, ("body.text",), "P\n\nQ", {}),
        ({"body": [{"parts": ["P", "Q"]}, {"parts": ["R"]}]}, ("body.parts",), "P\n\nQ\n\nR", {}),
    ],
)
def test_text_is_where_teams_have_it(tmp_path, form, row, text, expected, rest):
    """Chats, lists of paragraphs, several columns, texts inside of lists: the same from JSON Lines and Parquet."""
    path = written(tmp_path, [{"id": "a", **row}, {"id": "b", **row}], form)
    found = read_all(spec(path, text=text), carry=True)
    assert (found.ids, found.texts, found.rejects) == (["a", "b"], [expected] * 2, [])
    assert found.columns == ([rest, rest] if rest else [])
    assert read_all(spec(path, text=text), wanted=[1]).texts == [expected]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_what_has_no_text_in_any_column_is_rejected(tmp_path, form):
    """As with one column: NULL in all is `null_text`, and an empty text is one."""
    rows = [{"title": None, "body": None}, {"title": "", "body": None}, {"title": None, "body": []}]
    rows.append({"title": "x", "body": ["y" * 90]})
    found = read_all(spec(written(tmp_path, rows, form), text=("title", "body"), max_document_bytes=60))
    assert found.texts == ["", ""]
    assert [(one.row, one.reason) for one in found.rejects] == [
        (0, "null_text"),
        (3, "oversize_row"),
    ]


def test_a_key_that_no_line_has_is_told_with_the_keys_that_are_there(tmp_path):
    """Of several text columns none is there."""
    found = read_all(spec(written(tmp_path, [{"heading": "x"}], "jsonl"), text=("title", "body")))
    assert [(one.reason, one.detail) for one in found.rejects] == [
        ("missing_text", "no key 'title' or 'body'; there is heading")
    ]
