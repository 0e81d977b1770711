"""The road of licences: columns, the rule, what is counted, the card and ATTRIBUTION.md."""

import json

import orjson
import polars as pl
import pyarrow as pa
from huggingface_hub import DatasetCard

from refinery.run.attribution import attribution, telling_columns
from refinery.run.manifest import Manifest
from tests.conftest import document

SAID = ["CC BY", "CC0", "https://creativecommons.org/licenses/by/4.0/", "mit OR gpl-3.0", None, "house rules"]
DEFINITION = """refinery: 1
name: lic
sources:
  papers: {path: papers.jsonl, licence: {column: license}, trusted: true}
  code: {path: code.jsonl, licence: MIT}
stages:
  all: {from: [papers, code], measure: [language]}
  best: {from: all, select: {tokens: 4k, by: tokens}}
outputs:
  open: {from: best, path: open, licences: [cc-by-4.0, CC0-1.0, MIT]}
  all: {from: all, path: all}
"""


def test_an_output_holds_what_is_allowed_and_says_so(tmp_path, refinery):
    """The rule is on record, the budget is met of what is allowed, unknown names are told, records name licences."""
    for name, said in (("papers", SAID * 10), ("code", [None] * 6)):
        rows = [{"id": f"{name}{n}", "text": document(n), "license": one} for n, one in enumerate(said)]
        if name == "papers":
            rows = [row | {"url": f"https://a.org/{row['id']}", "Author": "A. B.", "year": 3} for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "lic.yaml").write_text(DEFINITION)
    code, _, err = refinery("run", tmp_path / "lic.yaml", "-q")
    assert code == 0
    unknown = "source papers: 30 of 60 documents have no licence that SPDX knows: LicenseRef-CC-BY 10, "
    assert f"{unknown}LicenseRef-house-rules 10, none 10" in err
    every = pl.read_parquet(tmp_path / "all")
    assert every["licence"].null_count() == 10 and len(every) == 66
    written = pl.read_parquet(tmp_path / "open")
    allowed = {"CC-BY-4.0", "CC0-1.0", "MIT", "GPL-3.0-only OR MIT"}
    assert 0 < len(written) < 36 and set(written["licence"]) <= allowed
    manifest = Manifest.model_validate(orjson.loads((tmp_path / "open.records/manifest.json").read_bytes()))
    assert manifest.stages["best"].rules["licences"].dropped.documents == 30
    assert 3600 < manifest.kept.tokens <= 4000
    counted = written.group_by(pl.col("lineage").struct.field("source"), "licence").len().rows()
    assert {(s, one): n for s, by in manifest.licences.items() for one, n in by.items()} == {
        (source, licence): n for source, licence, n in counted
    }
    assert sum(manifest.languages.values()) == len(written)
    assert "licence" not in manifest.made_columns  # an output that is a source has it still
    card = DatasetCard.load(tmp_path / "all.records/README.md")
    assert card.data.license == ["cc-by-4.0", "cc0-1.0", "gpl-3.0", "mit", "unknown", "other"]
    assert card.data.to_dict()["license_name"] == "cc-by, house-rules"
    assert card.data.language == ["en"]
    told = (tmp_path / "open.records/ATTRIBUTION.md").read_text()
    assert f"| papers | {manifest.licences['papers']['CC-BY-4.0']} | yes | `Author`, `url` |" in told
    of_all = (tmp_path / "all.records/ATTRIBUTION.md").read_text()
    assert "| code | 6 | yes | by `lineage` alone |" in of_all
    assert {"Author", "url"} <= set(written.columns)
    free = manifest.model_copy(update={"licences": {"code": {"CC0-1.0": 3}}})
    assert attribution(free, {}) == attribution(manifest.model_copy(update={"licences": {}}), {}) == {}
    renamed = manifest.model_copy(update={"renamed_columns": {"Author": "input_Author"}})
    assert "| `input_Author` |" in attribution(renamed, {"papers": ["Author"]})["ATTRIBUTION.md"]
    (tmp_path / "lic.yaml").write_text(
        DEFINITION.replace("[cc-by-4.0, CC0-1.0, MIT]", "[CC0-1.0]").replace(
            "[papers, code], measure", "[papers], measure"
        )
    )
    assert refinery("run", tmp_path / "lic.yaml", "-q")[0] == 0
    assert not (tmp_path / "open.records/ATTRIBUTION.md").exists()


def test_attributes_and_paths_tell_by_their_own_names():
    """As XML and nested records have them; what only begins so tells nothing, nor does a column without a value."""
    names = ["Document@url", "Document@source", "meta.Author", "@title", "url@id", "author.age", "sources"]
    schema = pa.schema([*((name, pa.string()) for name in names), ("a@doi", pa.null())])
    assert telling_columns(schema) == ("Document@source", "meta.Author", "@title", "Document@url")
