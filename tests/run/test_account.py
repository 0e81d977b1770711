"""What a manifest tells of a run."""

import json
import shutil

import yaml

from refinery.models.model_file import BUILT_IN
from tests.conftest import PIPELINE


def test_the_definition_in_a_manifest_can_be_run(data_repository, refinery):
    """It is the same pipeline: nothing is left to do. What may be secret in a URL is not in it."""
    shutil.copy(BUILT_IN, data_repository / "lid.ftz")
    head = (
        "name: tiny\nroots: {data: ./, elsewhere: 'https://me:word@host/a?sig=abc'}\ntransform: [normalize]\n"
        "models: {lid: {file: '{data}/lid.ftz'}}"
    )
    text = PIPELINE.replace("name: tiny", head).replace("crawl/*", "{data}/crawl/*")
    text = text.replace("[language,", "[{language: {model: lid}},").replace(
        "    transform: [normalize]\n", ""
    )
    text = text.replace("name: tiny", "name: tiny\nguards: {rejected: 33.3%, dedup_loss: off}")
    text = text.replace("- english", "- {rules: gopher, without: short}\n      - english")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    manifest = (data_repository / "out.records" / "manifest.json").read_text()
    assert "word@" not in manifest
    definition = json.loads(manifest)["definition"]
    assert definition["roots"] == {"data": "./", "elsewhere": "https://host/a"}
    assert definition["guards"] == {"rejected": {"stop": "33.3%"}, "dedup_loss": None}
    (data_repository / "again.yaml").write_text(yaml.safe_dump(definition))
    code, _, err = refinery("run", data_repository / "again.yaml")
    assert (code, "Nothing to do" in err) == (0, True), err


def test_files_that_are_passed_over_are_told_wherever_a_source_is(data_repository, refinery):
    """By ending, count and reason, with an example: in check, plan, funnel and manifest."""
    for name in ("a.xyz", "b.xyz", "README.md"):
        (data_repository / "crawl" / name).write_text("Nothing that is data.")
    file = data_repository / "pipeline.yaml"
    file.write_text(PIPELINE.replace("crawl/*.parquet", "crawl"))
    passed_over = [
        "2 .xyz files (unknown format), such as a.xyz",
        "1 .md file (stray name), such as README.md",
    ]
    for command in ("check", "plan", "run"):
        code, out, _ = refinery(command, file)
        shown = " ".join(out.replace("│", " ").split())
        assert code == 0 and all(line in shown for line in passed_over), shown
    found = json.loads((data_repository / "out.records" / "manifest.json").read_text())["sources"]["crawl"]
    assert found["ignored"] == 3
    assert [(one["ending"], one["count"]) for one in found["passed_over"]] == [(".xyz", 2), (".md", 1)]
