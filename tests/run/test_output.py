"""An output, from the decisions to the manifest."""

import json

from tests.conftest import PIPELINE, decisions


def test_no_document_left(data_repository, refinery):
    """A failed run that says which rules took the documents; what became of each is on record."""
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 50000"))
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "no document is left of 61 read" in err
    assert "screened: long_enough dropped 51" in err
    assert f"what became of each is in {data_repository}/out.records" in err
    manifest = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())
    assert (manifest["kept"]["documents"], manifest["files"]) == (0, [])
    found = decisions(data_repository / "out")
    assert len(found) == 61 and {one["outcome"] for one in found.values()} == {"dropped"}
    again = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert again[0] == 1 and "no document is left of 61 read" in again[2]
    (data_repository / "pipeline.yaml").write_text(PIPELINE)
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
