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
