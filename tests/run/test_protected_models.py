"""Nothing that is protected is an example of a model."""

from pathlib import Path

from refinery.executors.local import InProcess
from refinery.run.run import execute
from tests.conftest import write_parquet
from tests.models.domains import MEDICAL, OTHER, documents
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: tiny
protect:
  heldout: {from: heldout}
  exams: {benchmark: "exams/*.parquet", columns: [question]}
sources:
  heldout: {path: "heldout/*.parquet"}
  seeds: {path: "seeds/*.parquet"}
  crawl: {path: "crawl/*.parquet"}
models:
  medical: {train: {positive: seeds, negative: screened, precision: 0.7, dim: 8, buckets: 20000}}
  words: {importance: {positive: seeds, raw: mixed}}
stages:
  screened:
    from: crawl
    measure: [signals]
    keep: [long_enough: "words >= 5"]
  mixed:
    from: [screened, heldout]
  medical:
    from: screened
    measure: [{relevance: {model: medical}}, {importance: {model: words}}]
outputs:
  medical: {from: medical, path: out}
"""
HELD = documents(MEDICAL, 20, 7)
QUESTION = "Which vessel carries blood from the lungs to the heart?"
PLANTED = [HELD[0].upper(), f"{HELD[1]} and more", QUESTION.lower()]


def models(folder: Path, planted: list[str]) -> dict[str, bytes]:
    """The files of the models of a run whose seeds and crawl end with the planted documents."""
    texts = {
        "heldout": HELD,
        "seeds": documents(MEDICAL, 120, 1) + planted,
        "crawl": documents(OTHER, 120, 2) + planted,
    }
    for name, column, rows in [
        *((n, "text", t) for n, t in texts.items()),
        ("exams", "question", [QUESTION]),
    ]:
        write_parquet(
            folder / name / "a.parquet", [{"id": str(n), column: text} for n, text in enumerate(rows)]
        )
    (folder / "pipeline.yaml").write_text(DEFINITION)
    execute(plan_of(folder / "pipeline.yaml"), InProcess(), lambda _: None)
    found = (folder / ".refinery" / "made").rglob("model.*")
    return {file.name: file.read_bytes() for file in found}


def test_models_are_those_of_documents_without_what_is_protected(tmp_path):
    """Copies of held-out text and exam items change no byte of a model, near ones too, nor does a held-out source."""
    clean, planted = (models(tmp_path / name, rows) for name, rows in (("clean", []), ("planted", PLANTED)))
    assert clean.keys() == {"model.bin", "model.npz"}
    assert planted == clean
    assert models(tmp_path / "other", [text + " not a copy" * 60 for text in PLANTED]) != clean
