"""Which run is looked at."""

import shutil

import pytest

import refinery
from refinery.api.look import planned_run
from refinery.api.runs import place_of
from refinery.watch.find_status import find_status


def test_a_run_by_its_definition_its_plan_or_its_folders(tiny_run):
    """All name the same; the folder of an output means the way to that output."""
    base = tiny_run.parent
    there = refinery.show(tiny_run)
    assert there
    assert refinery.show(refinery.plan(tiny_run)) == there
    for folder in (base, base / ".refinery", base / "out"):
        assert refinery.show(folder) == there
    assert refinery.show(base / "screened") == refinery.show(tiny_run, output="screened") != there


def test_a_copied_folder_is_looked_at_and_not_the_original(tiny_run, tmp_path):
    """Its status names the work folder of the original; definition and work folder are those of the copy."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run.parent, copy, ignore=shutil.ignore_patterns("*.lock"))
    plan, _ = planned_run(copy, None, None, None)
    assert place_of(str(plan.work)) == copy / ".refinery"
    assert plan.graph.output_paths["unique"] == copy / "out"


def test_an_unknown_output(tiny_run):
    """The nearest is named."""
    with pytest.raises(refinery.InputError, match='tiny has no such output; did you mean "screened"'):
        refinery.show(tiny_run, output="screend")


def test_a_folder_where_nothing_ran(tmp_path):
    """Said with what can be given."""
    with pytest.raises(refinery.InputError, match="no run is known here"):
        refinery.show(tmp_path)


def test_several_pipelines_in_a_work_folder(tiny_run, tmp_path):
    """Their definitions are named, one of which must be given."""
    (tmp_path / "a.jsonl").write_text('{"text": "a"}')
    for name in ("one", "two"):
        text = f"refinery: 1\nname: {name}\nsources: {{a: {{path: a.jsonl}}}}\nstages: {{all: {{from: a}}}}\n"
        (tmp_path / f"{name}.yaml").write_text(f"{text}outputs: {{x: {{from: all, path: out/{name}}}}}\n")
        refinery.run(tmp_path / f"{name}.yaml", workers=1, progress=False)
    with pytest.raises(refinery.InputError, match=r"several pipelines ran here: one \(.*one.yaml\), two"):
        refinery.show(tmp_path)
    assert [one.text for one in refinery.show(tmp_path / "out" / "two")] == ["a"]


def test_a_sample_is_a_pipeline_of_its_own(tiny_run, tmp_path):
    """It reads so many documents, writes beside the output of the whole, which stays, and can be looked at."""
    shutil.copytree(tiny_run.parent, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.lock"))
    definition = tmp_path / "pipeline.yaml"
    before = (tmp_path / "out.records" / "manifest.json").read_bytes()
    outputs = refinery.run(refinery.plan(definition, limit=9), workers=1, progress=False)
    sources = outputs["unique"].manifest.sources
    assert sources["crawl"].documents == 9
    assert sources["crawl"].skipped == {"beyond_the_limit": 38 - 9}
    assert outputs["unique"].path == tmp_path / "out-limit-9"
    assert (tmp_path / "out.records" / "manifest.json").read_bytes() == before
    shown = refinery.show(tmp_path / "out-limit-9", n=99)
    assert len(shown) == sources["crawl"].documents + sources["notes"].documents + sources["notes"].rejected
    assert shown == refinery.show(definition, n=99, limit=9)
    assert len(refinery.show(tmp_path, n=99)) > len(shown)


def test_an_output_beside_its_definition_is_found_by_a_relative_path(tmp_path, monkeypatch):
    """From another folder, through `..`, as it is for `show`, `explain` and the status."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "a.jsonl").write_text('{"text": "A text."}')
    definition = tmp_path / "definitions" / "p.yaml"
    definition.write_text(
        "refinery: 1\nname: p\nsources: {a: {path: ../a.jsonl}}\n"
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: ../made/corpus}}\n"
    )
    refinery.run(definition, workers=1, progress=False)
    for folder, path in (
        ("definitions", "../made/corpus"),
        ("made", "corpus"),
        (".", "made/../made/corpus/"),
    ):
        monkeypatch.chdir(tmp_path / folder)
        assert [one.text for one in refinery.show(path)] == ["A text."]
        (status,) = find_status(place_of(path))
        assert status.state == "finished"
    (tmp_path / "else").mkdir()
    with pytest.raises(refinery.InputError, match="no run is known here"):
        refinery.show(tmp_path / "else")
