"""Character sets and types of columns as teams have them: told where they cannot be read, with the way out."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import refinery

CHINESE = ["民法典第一条，为了保护民事主体的合法权益。", "第二条，民法调整平等主体之间的人身关系。"]


def definition(folder, *sources):
    """All documents of sources, each one a flow mapping."""
    named = "".join(f"  {name}: {source}\n" for name, source in zip("ab", sources, strict=False))
    file = folder / "pipeline.yaml"
    file.write_text(
        f"refinery: 1\nname: p\nsources:\n{named}stages: {{all: {{from: [{', '.join('ab'[: len(sources)])}]}}}}\n"
        "outputs: {all: {from: all, path: out}}\n"
    )
    return file


def kept(file):
    return refinery.run(file, workers=1, progress=False)["all"].documents().collect()


def test_text_in_gb18030_is_told_and_read(tmp_path):
    """JSON Lines of a Chinese character set: check names the encoding to write, and with it all is read."""
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in CHINESE)
    (tmp_path / "a.jsonl").write_bytes(lines.encode("gb18030"))
    with pytest.raises((refinery.InputError, refinery.DefinitionError), match="gb18030"):
        refinery.check(definition(tmp_path, "{path: a.jsonl}"))
    found = kept(definition(tmp_path, "{path: a.jsonl, encoding: gb18030}"))
    assert sorted(found["text"]) == sorted(CHINESE)


@pytest.mark.parametrize("way", ["drop: [date]", "date: string", "day: {from: date}, date: null"])
def test_dates_of_two_types_are_told_and_dropped_renamed_or_cast(tmp_path, way):
    """A text in one source and a date in the other: check names the column and both sources."""
    dates = {"a": pa.array([date(2020, 1, 2)]), "b": pa.array(["2020-01-03"])}
    for name, column in dates.items():
        table = pa.table({"text": [f"A text of {name}."], "date": column})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    sources = ("{path: a.parquet}", "{path: b.parquet}")
    with pytest.raises(refinery.DefinitionError, match="date") as raised:
        refinery.check(definition(tmp_path, *sources))
    assert "rename or cast" in str(raised.value)
    mended = f"{{path: a.parquet, columns: {{{way}}}}}"
    assert len(kept(definition(tmp_path, mended, sources[1]))) == 2


MOMENT = datetime(2020, 1, 3, 4, 5)


@pytest.mark.parametrize(
    ("values", "hint", "kind", "expected"),
    [
        ((date(2020, 1, 2), MOMENT), "timestamp", "date", [date(2020, 1, 2), date(2020, 1, 3)]),
        ((MOMENT, MOMENT.replace(tzinfo=UTC)), "timestamp", "timestamp", [MOMENT, MOMENT]),
        (("A; B", ["A", "B"]), "string", "string", ["A; B", '["A","B"]']),
    ],
)
def test_types_that_differ_between_files_are_told_with_a_cast_that_reads_both(
    tmp_path, values, hint, kind, expected
):
    """Dates and instants, with a zone or without, texts and lists of them: by both files and the way out."""
    for name, value in zip("12", values, strict=True):
        frame = pl.DataFrame({"text": [f"Text {name}."], "when": [value]})
        (tmp_path / "in").mkdir(exist_ok=True)
        frame.write_parquet(tmp_path / "in" / f"{name}.parquet")
    with pytest.raises((refinery.InputError, refinery.DefinitionError), match="'when'") as raised:
        refinery.check(definition(tmp_path, "{path: in}"))
    assert f"columns: {{when: {hint}}}" in str(raised.value)
    assert "in/1.parquet" in str(raised.value) and "in/2.parquet" in str(raised.value)
    found = kept(definition(tmp_path, f"{{path: in, columns: {{when: {kind}}}}}"))
    assert sorted(found["when"]) == expected


def test_html_in_a_column_is_told_until_a_transform_takes_its_text(tmp_path):
    """`text: html` of a table: check says that tags are among the words, and what to write."""
    pq.write_table(pa.table({"html": ["<div><p>The court held so.</p></div>"] * 2}), tmp_path / "a.parquet")
    (told,) = refinery.check(definition(tmp_path, "{path: a.parquet, text: html}")).warnings
    assert "a.parquet: its texts are HTML" in told and "transform: [html]" in told
    cleaned = definition(tmp_path, "{path: a.parquet, text: html, transform: [html]}")
    assert refinery.check(cleaned).warnings == ()
    assert kept(cleaned)["text"].to_list() == ["The court held so."] * 2
