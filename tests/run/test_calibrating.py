"""Stages that calibrate their rules, as runs make them, and calibrations outside of any stage."""

from pathlib import Path

import polars as pl
import pytest

import refinery
from refinery.definition.load import load
from refinery.errors import DefinitionError, InputError
from refinery.run.calibrating import Request, calibrations_of, of_files, of_sources, write_rule_file
from refinery.watch.events import CacheChecked
from tests.conftest import write_parquet

DEFINITION = """
refinery: 1
name: calibrated
sources:
  journals: {path: journals.parquet}
  crawl: {path: crawl.parquet}
stages:
  sized: {from: crawl, keep: [some: "bytes > 0"]}
  screened:
    from: sized
    transform: [normalize]
    derive: {tripled: "chars * 3"}
    keep: [long: "tripled >= 300", whole: "tokens <= 1000"]
    calibrate: {trusted: journals, junk: sized, lose: 5%}
outputs:
  out: {from: screened, path: out}
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """Trusted documents of 40 characters and more, of which every tenth is short, and a crawl of all sizes."""
    journals = [{"id": f"j{n}", "text": "a" * (40 + n % 10 * 20) + f" {n}"} for n in range(300)]
    crawl = [{"id": f"c{n}", "text": "b" * (2 + n) + f" {n}"} for n in range(120)]
    write_parquet(tmp_path / "journals.parquet", journals)
    write_parquet(tmp_path / "crawl.parquet", crawl)
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    return tmp_path / "pipeline.yaml"


def test_the_moved_thresholds_decide(definition: Path) -> None:
    """What they keep is kept; explain and the manifest name them; another `lose` measures nothing."""
    output = refinery.run(definition, workers=1, progress=False)["out"]
    found = output.manifest.calibrated["screened"]
    moved = found.predicates["long"]
    least = int(moved.split()[-1])
    assert 120 <= least < 200
    assert found.predicates["whole"] == "tokens <= 1000"
    kept = output.decisions().filter(outcome="kept").select("id").collect()["id"].to_list()
    chars = {f"c{n}": len("b" * (2 + n) + f" {n}") for n in range(120)}
    assert sorted(kept) == sorted(name for name, size in chars.items() if size * 3 >= least)
    rule = refinery.explain(definition, "c110").stages[-1].rules[0]
    assert (rule.limit, rule.published, rule.passed) == (moved, "tripled >= 300", True)
    definition.write_text(DEFINITION.replace("5%", "50%"))
    events = []
    again = refinery.run(definition, workers=1, progress=events.append)["out"]
    assert again.manifest.calibrated["screened"].predicates == {
        "long": again.manifest.calibrated["screened"].rules[0].predicate,
        "whole": "tokens <= 1000",
    }
    assert again.manifest.calibrated["screened"].predicates["long"] != moved
    made = {
        event.result: event.missing for event in events if isinstance(event, CacheChecked) and event.missing
    }
    assert set(made) == {"calibration", "decision", "output", "file"}


def test_nothing_is_made_twice(definition: Path) -> None:
    """A second run has nothing to do, and a plan knows the moved rules."""
    refinery.run(definition, workers=1, progress=False)
    events = []
    refinery.run(definition, workers=1, progress=events.append)
    assert not [event for event in events if isinstance(event, CacheChecked) and event.missing]
    planned = refinery.plan(definition)
    assert calibrations_of(planned).keys() == {"screened"}


def test_by_sources_of_a_definition_or_by_files(definition: Path, tmp_path: Path) -> None:
    """Both find the same; of a definition no more is read than is named, and what it measured is there."""
    request = Request(["journals"], ["crawl"], [{"long": "chars >= 100"}], ["signals"], "5%")
    of_names = of_sources(request, load(definition), {})
    assert of_names.pipeline.sources.keys() == {"journals", "crawl"}
    assert not of_names.pipeline.outputs
    refinery.run(of_names, workers=1, progress=False)
    (named,) = calibrations_of(refinery.plan(of_names)).values()
    files = Request([str(tmp_path / "journals.parquet")], [], [{"long": "chars >= 100"}], ["signals"], "5%")
    loaded = of_files(files, "text", tmp_path / "elsewhere")
    refinery.run(loaded, workers=1, progress=False, work=tmp_path / "work")
    (filed,) = calibrations_of(refinery.plan(loaded, work=tmp_path / "work")).values()
    assert filed.junk is None
    assert named.junk is not None
    assert (filed.documents, named.documents) == (300, 300)
    whole = of_sources(Request(["sized"], [], ["c4"], ["signals"], "5%"), load(definition), {})
    assert [*whole.pipeline.stages] == ["sized", "calibrated-rules"]


def test_the_file_of_somebody_else_stays(definition: Path, tmp_path: Path) -> None:
    """A rule file is written again, any other file is not, and a folder is told."""
    found = refinery.calibrate(
        pl.DataFrame({"words": [1, 2], "tokens": [1, 1]}), rules={"long": "words > 1"}, measure=[]
    )
    write_rule_file(found, tmp_path / "rules.yaml")
    write_rule_file(found, tmp_path / "rules.yaml")
    (tmp_path / "own.yaml").write_text("rules: {}\n")
    with pytest.raises(InputError, match="choose another name"):
        write_rule_file(found, tmp_path / "own.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        write_rule_file(found, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("trusted: journals", "trusted: journal", ":14: stages.screened.calibrate.trusted: no source or stage"),
        ("junk: sized", "junk: journals", ":14: stages.screened.calibrate.junk: journals is trusted already"),
        ("trusted: journals", "trusted: screened", ":14: stages.screened.calibrate: stages.screened needs"),
        ("    keep: [long", "    kept: [long", "stages.screened.kept"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(definition: Path, old: str, new: str, problem: str) -> None:
    """Each at its place, before any work: unknown names, what is both, text that the rules themselves choose."""
    definition.write_text(DEFINITION.replace(old, new))
    with pytest.raises(DefinitionError) as caught:
        refinery.plan(definition)
    assert any(problem in one for one in caught.value.problems), caught.value.problems


def test_a_file_is_not_trusted_and_junk(definition: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command, however the file is written, and of a stage's sources; unless they read another text of it."""
    monkeypatch.chdir(definition.parent)
    for junk in ("journals.parquet", str(definition.parent / "journals.parquet"), "*.parquet"):
        request = Request(["./journals.parquet"], [junk], [{"long": "chars >= 50"}], [], "5%")
        with pytest.raises(DefinitionError, match=r"calibrate.*journals.parquet is trusted already"):
            refinery.plan(of_files(request, "text", definition.parent))
    again = "  crawl: {path: crawl.parquet}\n  again: {path: journals.parquet}"
    text = DEFINITION.replace("junk: sized", "junk: again").replace("  crawl: {path: crawl.parquet}", again)
    definition.write_text(text)
    with pytest.raises(DefinitionError, match=r":\d+: stages.screened.calibrate.junk: .*is trusted already"):
        refinery.plan(definition)
    definition.write_text(
        text.replace("again: {path: journals.parquet", "again: {path: journals.parquet, text: id")
    )
    refinery.plan(definition)
