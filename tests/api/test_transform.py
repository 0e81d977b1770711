"""Rewriting the texts of a table."""

import pyarrow as pa
import pytest

import refinery
from refinery.errors import DefinitionError
from tests.api.tables import KINDS, in_form, rows_of
from tests.conftest import PIPELINE, document, write_parquet


@pytest.mark.parametrize("kind", KINDS)
def test_transforms_rewrite_the_text(kind):
    """In place of the text, on every kind of table; NULL stays."""
    frame = in_form(kind, {"text": ["a \r\nb", "c"], "n": [1, 2]})
    assert rows_of(refinery.transform(frame, "normalize")) == [
        {"text": "a\nb", "n": 1},
        {"text": "c", "n": 2},
    ]
    assert refinery.transform(["a \r\nb", None], ["normalize"]).column("text").to_pylist() == ["a\nb", None]


def test_lines_are_counted_over_the_table(tmp_path):
    """As over a source of a run, after the transforms before; an empty table has none."""
    rows = [{"id": n, "text": f"Menu\r\n{document(n, 3)}\nCookies "} for n in range(30)]
    write_parquet(tmp_path / "crawl" / "0.parquet", rows)
    chain = ["normalize", {"lines": {"repeated": "50%", "least_documents": 2}}]
    text = PIPELINE.replace(
        "transform: [normalize]", "transform: [normalize, {lines: {repeated: 50%, least_documents: 2}}]"
    )
    (tmp_path / "pipeline.yaml").write_text(text.replace("words >= 50", "words >= 1"))
    output = refinery.run(tmp_path / "pipeline.yaml", workers=1, progress=False)["unique"]
    written = dict(output.documents().select("id", "text").collect().rows())
    own = refinery.transform(pa.Table.from_pylist(rows), chain).to_pylist()
    assert len(written) > 20
    assert {row["id"]: row["text"] for row in own if row["id"] in written} == written
    assert "Menu" not in own[0]["text"]
    assert refinery.transform(pa.table({"text": pa.array([], pa.string())}), chain).num_rows == 0


def test_a_wrong_transform_is_told():
    """With its place and the nearest name."""
    with pytest.raises(DefinitionError, match=r"transform\.0: no transform is called 'nromalize'"):
        refinery.transform(["a"], ["nromalize"])
