"""The pipelines that come with refinery, as they are and with what stands in their comments."""

import json
from pathlib import Path

import pytest

import refinery as api
from tests.conftest import write_parquet

TEMPLATES = Path(api.__file__).parent / "pipelines"
ROW = {"id": "1", "text": "text"}
STATUTE = {**ROW, "title": None, "authority": None, "date": None}


@pytest.mark.parametrize("exams", [False, True])
@pytest.mark.parametrize(("name", "crawl"), [("medical-en", ROW), ("legal-zh", STATUTE)])
def test_templates_are_sound(tmp_path, refinery, name, crawl, exams):
    """A template checks beside the files that it asks for, with its example of `protect` as well."""
    write_parquet(tmp_path / "crawl" / "0.parquet", [crawl])
    write_parquet(tmp_path / "law" / "0.parquet", [ROW])
    for path, row in (("journals", ROW), ("eval", {"question": "text", "answer": "text"})):
        (tmp_path / path).mkdir()
        (tmp_path / path / "0.jsonl").write_text(json.dumps(row), "utf-8")
    definition = (TEMPLATES / f"{name}.yaml").read_text("utf-8")
    assert "\n# protect:" in definition
    if exams:
        definition = definition.replace("\n# protect:", "\nprotect:")
    (tmp_path / "p.yaml").write_text(definition, "utf-8")
    code, out, err = refinery("check", tmp_path / "p.yaml")
    assert code == 0, err
    assert ("protect:exams.question" in out) == exams
