"""What is measured of trusted text, and which results a calibration is made of."""

from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.resolve import resolve
from tests.conftest import write_parquet
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: calibrated
transform: [normalize]
sources:
  journals: {path: journals.parquet, transform: []}
  crawl: {path: crawl.parquet}
stages:
  measured: {from: crawl, measure: [language]}
  screened:
    from: measured
    transform: [{lines: {repeated: 1%}}]
    measure: [signals]
    keep: [own: "lang = 'en' AND words / lines > 3 AND words >= 50"]
    calibrate: {trusted: journals}
outputs:
  out: {from: screened, path: out}
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """Two sources of a document each."""
    for name in ("journals", "crawl"):
        write_parquet(tmp_path / f"{name}.parquet", [{"id": name, "text": "A text of some words."}])
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    return tmp_path / "pipeline.yaml"


def test_trusted_text_is_measured_as_the_stage_measures(definition: Path) -> None:
    """With the stage's transforms after its own for what is measured there, without for what is above."""
    graph = resolve(load(definition))
    making = graph.makings["stages.screened.calibrate"]
    read = making.columns["journals"]["journals"]
    chains = {
        name: [one.name for m in column.measurements for one in m.view.transforms]
        for name, column in read.items()
    }
    assert chains == {"lang": [], "words": ["lines"], "lines": ["lines"], "tokens": ["lines"]}
    assert "sources.journals.lines" in graph.makings


def test_a_calibration_is_made_of_what_is_measured_of_its_inputs(definition: Path) -> None:
    """Not of the crawl; decisions wait for it, and are others than those of the published rules."""
    results = plan_of(definition).results
    inputs = results["stages.screened.calibrate"].inputs
    assert "sources.journals.lines.signals" in inputs
    assert not any("crawl" in name for name in inputs)
    assert "stages.screened.calibrate" in results["stages.screened"].inputs
    definition.write_text(DEFINITION.replace("    calibrate: {trusted: journals}\n", ""))
    assert plan_of(definition).results["stages.screened"].parts != results["stages.screened"].parts


def test_rules_over_what_is_measured_late_are_refused(definition: Path) -> None:
    """They stand in a stage of their own."""
    text = DEFINITION.replace("[signals]", "[signals, {relevance: {model: m}}]").replace(
        "words >= 50", "relevance > 0.1"
    )
    models = "models: {m: {train: {positive: journals, negative: crawl}}}\nstages:"
    definition.write_text(text.replace("stages:", models, 1))
    with pytest.raises(DefinitionError, match="'relevance' is measured only on what arrives at the stage"):
        resolve(load(definition))
