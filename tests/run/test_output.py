"""An output, from the decisions to the manifest."""

from tests.conftest import PIPELINE


def test_no_document_left(data_repository, refinery):
    """An empty corpus is a failed run that says which rules took the documents, not an empty folder."""
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 50000"))
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "no document is left of 61 read" in err
    assert "screened: long_enough dropped 51" in err
    assert not (data_repository / "out.records" / "manifest.json").exists()
