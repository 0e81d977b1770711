"""What rules of transforms removed, on the record of a run."""

import json
from io import StringIO

import pytest
from rich.console import Console

import refinery
from refinery.report.funnel import funnel
from refinery.run.manifest import Manifest
from refinery.run.removed import RemovedTally, add_removed
from tests.cases import write_jsonl

PAGES = (
    "Home\nAbout\nA text of some length stays.",
    "Ein Menü\nA text that stays too.\nHome",
    "Short.\nHome",
)


@pytest.fixture
def run(tmp_path):
    """Runs a pipeline over two sources of three pages, whose rule on lines has a name; gives the manifest."""
    for source in ("crawl", "other"):
        rows = [{"id": n, "text": page} for n, page in enumerate(PAGES)]
        write_jsonl(tmp_path / source / "0.jsonl", rows[:2])
        write_jsonl(tmp_path / source / "1.jsonl", rows[2:])

    def write(name):
        pipeline = {
            "refinery": 1,
            "name": "removed",
            "sources": {
                "crawl": {
                    "path": "crawl",
                    "transform": [{"lines": {"keep": {name: "words >= 2 OR terminal"}}}],
                },
                "other": {"path": "other"},
            },
            "stages": {
                "long": {"from": ["crawl", "other"], "keep": [{"long": "chars > 8"}]},
                "cleaned": {"from": "long", "transform": [{"lines": {"keep": {"last": "terminal"}}}]},
            },
            "outputs": {"out": {"from": "cleaned", "path": "out"}},
        }
        (tmp_path / "removed.json").write_text(json.dumps(pipeline))
        refinery.run(tmp_path / "removed.json", workers=1, progress=False)
        return json.loads((tmp_path / "out.records" / "manifest.json").read_text())

    return write


def test_a_stage_counts_what_its_transforms_removed_of_what_arrived(run):
    """By source and rule; a source's own where the source arrives. Another name of a rule is told at once."""
    assert run("menu")["stages"]["cleaned"]["removed"] == {
        "crawl": {"lines.last": {"documents": 1, "parts": 1, "bytes": 9, "characters": 8}},
        "other": {"lines.last": {"documents": 3, "parts": 5, "bytes": 26, "characters": 25}},
    }
    removed = {"documents": 3, "parts": 4, "bytes": 17, "characters": 17}
    renamed = run("navigation")
    assert renamed["stages"]["long"]["removed"] == {"crawl": {"lines.navigation": removed}}
    console = Console(width=100, file=StringIO(), record=True)
    console.print(funnel(Manifest.model_validate(renamed), width=100))
    shown = console.export_text()
    assert "lines.navigation: 4 cut, 17 characters" in shown
    assert "lines.last of other: 5 cut, 25 characters" in shown


def test_shards_are_added_up():
    """By source and rule."""
    one, two = RemovedTally(1, 2, 3, 4), RemovedTally(10, 20, 30, 40)
    found = add_removed([{"a": {"x": one}}, {}, {"a": {"x": two, "y": one}, "b": {"x": two}}])
    assert found == {"a": {"x": RemovedTally(11, 22, 33, 44), "y": one}, "b": {"x": two}}
