"""The notebook of the documentation runs, and shows what it showed when it was written."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell) -> str:
    """What a cell shows, as text, whatever it was printed on."""
    outputs = [
        output.get("text") or output["data"]["text/plain"]
        for output in cell.outputs
        if "name" not in output or output.name == "stdout"
    ]
    return "".join("".join(output) for output in outputs)


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
def test_the_tour_runs(tmp_path):
    """Every cell, in order, without an error; the last ones tell of outputs that are there."""
    notebook = nbformat.read(TOUR, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = code_cells(notebook)
    wrong = next(cell for cell in cells if "refinery.check(wrong)" in cell.source)
    assert "stages.unique.from: no source or stage 'screend'; did you mean \"screened\"?" in shown(wrong)
    assert "stages.unique.dedup.near.similarty: unknown key" in shown(wrong)
    index = next(cell for cell in cells if "MinHashLSH(" in cell.source)
    assert shown(index) == "True"
    first, second = [cell for cell in cells if "refinery.run(" in cell.source]
    plan = next(cell for cell in cells if "refinery.results(" in cell.source)
    assert "keep.long_enough: words >= 40 -> words >= 60" in shown(plan)
    assert "output  corpus" in shown(first)
    assert "cached" in shown(second)
    assert (tmp_path / "corpus.records" / "manifest.json").exists()


def test_the_tour_has_its_outputs():
    """Each code cell is shown with what it gave, and none with an error."""
    for cell in code_cells(nbformat.read(TOUR, as_version=4)):
        assert cell.outputs or "screened = " in cell.source, cell.source
        assert all(output.output_type != "error" for output in cell.outputs)
