"""The write pass: lineage, shuffle, and what an output read as a source carries on."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator

from refinery.executors.local import InProcess
from refinery.run.run import execute
from refinery.watch.events import silent
from tests.conftest import PIPELINE, document, read_files, write_parquet
from tests.run.planning import plan_of
from tests.sources import archives


def test_lineage_leads_back_to_the_source_row(data_repository, refinery):
    """Each output row says which row of which file it was."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    for row in pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist():
        place = row["lineage"]
        source = pq.read_table(data_repository / "crawl" / place["path"]).to_pylist()[place["row"]]
        assert (source["id"], source["year"]) == (row["id"], row["year"])


def test_an_output_may_carry_no_measurement(data_repository, refinery):
    """`measurements: []` leaves the text, the source's columns and the lineage."""
    text = PIPELINE.replace("path: out}", "path: out, measurements: []}")
    (data_repository / "pipeline.yaml").write_text(text, encoding="utf-8")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "--quiet")
    assert code == 0, err
    table = pq.read_table(data_repository / "out" / "data-00000.parquet")
    assert (table.column_names, table.num_rows) == (["text", "id", "year", "lineage"], 40)


def mixed_corpus(folder: Path) -> None:
    """Files of every format, of which three can be cut, with duplicates, bad rows, blank lines and no ids."""
    texts = [document(n, 3) if n % 7 else document(n % 3, 3) for n in range(200)]
    lines = [json.dumps({"text": text} | ({"id": n} if n % 3 == 0 else {})) for n, text in enumerate(texts)]
    lines[50:50] = ["", '{"text": 7}', "  ", "no JSON"]
    (folder / "plain.jsonl").write_text("\ufeff" + "\r\n".join(lines) + "\n\n", encoding="utf-8")
    (folder / "more.jsonl").write_text("\n" + "\n".join(lines[::-1]), encoding="utf-8")
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress("\n\n".join(lines[:40]).encode()))
    table = pa.table({"text": [None if n % 11 == 0 else text for n, text in enumerate(texts)]})
    pq.write_table(table, folder / "rows.parquet", row_group_size=9)
    records = [
        archives.record("conversion" if n % 2 else "request", text.encode()) for n, text in enumerate(texts)
    ]
    (folder / "some.wet.gz").write_bytes(archives.members(*records[:30]))


def raw_texts(folder: Path) -> dict[tuple[str, int], str | None]:
    """The text of every row of every file, as other readers see it; None where there is none."""
    found: dict[tuple[str, int], str | None] = {}
    for file in folder.iterdir():
        if ".jsonl" in file.name:
            content = file.read_bytes()
            content = gzip.decompress(content) if file.name.endswith("gz") else content
            for row, line in enumerate(content.split(b"\n")):
                try:
                    text = json.loads(line.decode("utf-8-sig"))["text"]
                except ValueError:
                    text = None
                found[file.name, row] = text if isinstance(text, str) else None
        elif file.name.endswith("parquet"):
            for row, text in enumerate(pq.read_table(file).column("text").to_pylist()):
                found[file.name, row] = text
        else:
            for row, record in enumerate(ArchiveIterator(io.BytesIO(gzip.decompress(file.read_bytes())))):
                found[file.name, row] = record.reader.read().decode()
    return found


def test_rows_and_ids_do_not_depend_on_where_files_are_cut(tmp_path):
    """However large shards are, every document, decision and reject is the same, and its row leads to the raw one."""
    (tmp_path / "in").mkdir()
    mixed_corpus(tmp_path / "in")
    raw = raw_texts(tmp_path / "in")
    definition = PIPELINE.replace("crawl/*.parquet", "in").replace("words >= 50", "words >= 3")
    definition = definition.replace(", near: {similarity: 0.8}", "")
    shards, found = [], []
    for size in (1 << 30, 20_000, 3000):
        (tmp_path / "p.yaml").write_text(definition.replace("path: out}", f"path: out{size}}}"))
        plan = plan_of(tmp_path / "p.yaml", shard_bytes=size)
        execute(plan, InProcess(), silent)
        shards.append(len(plan.shards))
        out = tmp_path / f"out{size}"
        written = read_files(out, "data")
        others = [read_files(out, name) for name in ("decisions", "rejects")]
        found.append(
            [written, *(table.sort_by([("path", "ascending"), ("row", "ascending")]) for table in others)]
        )
    assert shards[0] == 5 < shards[1] < shards[2] > 60
    for tables in found[1:]:
        assert all(one.equals(other) for one, other in zip(tables, found[0], strict=True))
    written, decided, rejected = (table.to_pylist() for table in found[0])
    for row in written:
        assert raw[row["lineage"]["path"], row["lineage"]["row"]] == row["text"]
    minted = {row["id"]: (row["path"], row["row"]) for row in decided if row["id"] and "-" in row["id"]}
    assert len(minted) > 400
    assert all(int(name.partition("-")[2]) == row for name, (_, row) in minted.items())
    for row in decided:
        if row["rule"] == "dedup.exact":
            assert raw[row["path"], row["row"]] == raw[row["duplicate_of_path"], row["duplicate_of_row"]]
        if row["duplicate_of_id"] in minted:
            assert minted[row["duplicate_of_id"]] == (row["duplicate_of_path"], row["duplicate_of_row"])
    assert len(rejected) > 20
    assert all(raw[row["path"], row["row"]] is None for row in rejected)
    assert {(row["path"], row["row"]) for row in rejected} == {
        (row["path"], row["row"]) for row in decided if row["outcome"] == "rejected"
    }


def test_shuffle_keeps_every_document_once(data_repository, refinery):
    """Each seed gives another order of the same documents, no seed that of seed 1, `null` that of the input."""
    ids = {}
    for number, shuffle in enumerate(("", ", shuffle: 1", ", shuffle: 2", ", shuffle: null")):
        file = data_repository / f"{number}.yaml"
        file.write_text(PIPELINE.replace("path: out}", f"path: out{number}{shuffle}}}"))
        code, _, err = refinery("run", file, "-q")
        assert code == 0, err
        ids[shuffle] = read_files(data_repository / f"out{number}", "data").column("id").to_pylist()
    default, one, two, none = ids.values()
    assert default == one and len({tuple(one), tuple(two), tuple(none)}) == 3
    assert sorted(one) == sorted(two) == sorted(none)
    listed = [
        row
        for n in range(3)
        for row in pq.read_table(data_repository / f"crawl/{n}.parquet")["id"].to_pylist()
    ]
    assert none == [one for one in listed if one in set(none)]


def test_shuffled_documents_keep_their_order_whatever_is_added(data_repository, refinery):
    """A file before, between and behind the others: what was there stands as it did, the new ones among it."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    before = read_files(data_repository / "out", "data").column("id").to_pylist()
    for name in ("-0", "1a", "9"):
        rows = [
            {"id": f"{name}-{n}", "text": document(100 * len(name) + ord(name[0]) + n), "year": 1}
            for n in range(5)
        ]
        write_parquet(data_repository / "crawl" / f"{name}.parquet", rows)
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    after = read_files(data_repository / "out", "data").column("id").to_pylist()
    assert [one for one in after if one in set(before)] == before
    places = [n for n, one in enumerate(after) if one not in set(before)]
    assert len(places) > 9 and len(places) < places[-1] - places[0]


def test_own_output_as_input(data_repository, refinery):
    """Run on its own output, a pipeline removes nothing and gives the same columns."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    again = PIPELINE.replace("crawl/*.parquet", "out/data-*.parquet").replace("path: out}", "path: again}")
    (data_repository / "again.yaml").write_text(again)
    code, _, err = refinery("run", data_repository / "again.yaml", "-q")
    assert code == 0, err
    first = pq.read_table(data_repository / "out" / "data-00000.parquet")
    second = pq.read_table(data_repository / "again" / "data-00000.parquet")
    assert second.schema.equals(first.schema)
    one, other = (table.drop_columns(["lineage"]).sort_by("id") for table in (first, second))
    assert other.equals(one)


def test_an_output_without_measured_columns(data_repository, refinery):
    """`measurements: []` leaves text, id, carried columns and lineage."""
    text = (data_repository / "pipeline.yaml").read_text().replace("path: out", "path: out, measurements: []")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    written = read_files(data_repository / "out", "data")
    assert written.column_names == ["text", "id", "year", "lineage"]
    assert written.num_rows == 40


@pytest.mark.parametrize("answer", [None, "no"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_text_is_no_column_of_another_source(tmp_path, form, answer):
    """A column that one source carries, be it all NULL, is NULL where it is part of the text."""
    rows = {"full": [{"question": "why", "answer": "yes"}], "bare": [{"question": "how", "answer": answer}]}
    for name, mine in rows.items():
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(mine), tmp_path / f"{name}.parquet")
        else:
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in mine))
    (tmp_path / "pipeline.yaml").write_text(f"""
refinery: 1
name: texts
sources:
  full: {{path: full.{form}, text: [question, answer]}}
  bare: {{path: bare.{form}, text: question}}
stages:
  all: {{from: [full, bare]}}
outputs:
  all: {{from: all, path: out, measurements: []}}
""")
    execute(plan_of(tmp_path / "pipeline.yaml"), InProcess(), silent)
    found = [(row["text"], row["answer"]) for row in read_files(tmp_path / "out", "data").to_pylist()]
    assert sorted(found) == [("how", answer), ("why\n\nyes", None)]
