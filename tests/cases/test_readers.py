"""The forms that teams have their text in, through the whole run: each document is a row, or it is told."""

import gzip
import json

from tests.cases import lines, run, write_jsonl, write_table


def test_a_json_array_of_documents(tmp_path, refinery):
    """In one line, or laid out over lines and compressed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text(json.dumps(lines(3)))
    (tmp_path / "in/b.json.gz").write_bytes(gzip.compress(json.dumps(lines(3, 3), indent=2).encode()))
    assert list(run(refinery, tmp_path).rows) == [f"d{n}" for n in range(6)]


def test_one_json_document_a_file(tmp_path, refinery):
    """Laid out over lines; `format: jsonl` on them is told, with what they are and what to do."""
    (tmp_path / "in").mkdir()
    for number, row in enumerate(lines(3)):
        (tmp_path / f"in/{number}.json").write_text(json.dumps(row, indent=2))
    said = run(refinery, tmp_path, source={"format": "jsonl"}, expect=2)
    assert "0.json: this is JSON that is not one object a line" in said.err
    assert "leave `format` out" in said.err
    assert list(run(refinery, tmp_path).rows) == ["d0", "d1", "d2"]


def test_objects_without_newlines_between(tmp_path, refinery):
    """Nothing, or a lone carriage return: as Java's and old Mac's tools write them."""
    for name, between in (("a", ""), ("b", "\r")):
        content = between.join(json.dumps(row | {"id": f"{name}{row['id']}"}) for row in lines(6))
        write_jsonl(tmp_path / f"in/{name}.jsonl", [content])
    assert len(run(refinery, tmp_path).rows) == 12


def test_byte_order_marks_inside_of_a_joined_file(tmp_path, refinery):
    """Files of Windows, joined by `cat`: each begins with one."""
    parts = ("".join(json.dumps(row) + "\r\n" for row in lines(3, start)) for start in (0, 3))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_bytes(b"".join(b"\xef\xbb\xbf" + part.encode() for part in parts))
    assert list(run(refinery, tmp_path).rows) == [f"d{n}" for n in range(6)]


def test_what_describes_a_data_set_is_no_document(tmp_path, refinery):
    """`dataset_infos.json` of a cloned data set is passed over, also with `on_error: fail`."""
    write_table(tmp_path / "in/train.parquet", {"id": ["a"], "text": ["A text."]})
    (tmp_path / "in/dataset_infos.json").write_text('{"default": {"features": {}}}')
    ran = run(refinery, tmp_path, source={"on_error": "fail"})
    assert (list(ran.rows), ran.source["ignored"]) == (["a"], 1)


def test_a_folder_of_text_and_pages(tmp_path, refinery):
    """A file is a document and its path below the folder the id."""
    (tmp_path / "in/2024").mkdir(parents=True)
    (tmp_path / "in/a.txt").write_text("The court held that the buyer could rescind the contract.")
    (tmp_path / "in/2024/b.md").write_text("---\ntitle: B\n---\nThe patient was given 5 mg.")
    (tmp_path / "in/2024/c.html").write_text("<html><body><p>Net interest income rose.</p></body></html>")
    (tmp_path / "in/README.md").write_text("About these files.")
    ran = run(refinery, tmp_path)
    assert {name: row["title"] for name, row in ran.rows.items()} == {
        "2024/b.md": "B",
        "2024/c.html": None,
        "a.txt": None,
    }
    assert ran.source["ignored"] == 1


def test_csv_with_quoted_newlines(tmp_path, refinery):
    """A row a record; `format: jsonl` on it is told."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text(
        'id,text,year\nd0,"First line.\nSecond, ""quoted"".",2020\nd1,Another.,\n'
    )
    said = run(refinery, tmp_path, source={"format": "jsonl"}, expect=2)
    assert "a.csv: this is CSV, and its source says `format: jsonl` (leave `format` out)" in said.err
    rows = run(refinery, tmp_path).rows
    assert rows["d0"]["text"] == 'First line.\nSecond, "quoted".'
    assert (rows["d0"]["year"], rows["d1"]["year"]) == ("2020", None)
