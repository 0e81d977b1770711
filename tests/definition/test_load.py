"""Loading a definition: every mistake is reported with its place, all at once."""

from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError

VALID = """
refinery: 1
name: tiny
sources:
  crawl: {path: "crawl/*.parquet"}
stages:
  clean:
    from: crawl
    measure: [language]
    keep:
      - english: "lang = 'en'"
outputs:
  clean: {path: out}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load(write(folder, text))
    return [line.removeprefix(f"{folder}/pipeline.yaml:") for line in caught.value.problems]


def test_valid_definition(tmp_path):
    """A valid definition becomes models; a single name may stand for a list."""
    loaded = load(write(tmp_path, VALID))
    assert loaded.pipeline.stages["clean"].from_ == ("crawl",)
    assert loaded.base == tmp_path


def test_all_errors_at_once_with_line_path_and_nearest_name(tmp_path):
    """Two slips in two places give two lines, each with line, path and the nearest valid key."""
    text = VALID.replace("measure:", "mesure:").replace("{path: out}", "{path: out, shufle: 1}")
    found = problems(tmp_path, text)
    assert found == [
        '9: stages.clean.mesure: unknown key; did you mean "measure"?',
        '13: outputs.clean.shufle: unknown key; did you mean "shuffle"?',
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("refinery: 1", "refinery: 2"), "2: refinery: input should be 1, got 2"),
        (
            ('  crawl: {path: "crawl/*.parquet"}', "  crawl: {}"),
            "5: sources.crawl: the key 'path' is missing",
        ),
        (("name: tiny", "name: tiny\nname: again"), "4: name: this key is written twice"),
        (("name: tiny", "name: {tiny"), "4: not valid YAML"),
    ],
)
def test_form_errors(tmp_path, change, expected):
    """Wrong version, missing and repeated keys, broken YAML: each names its line."""
    assert problems(tmp_path, VALID.replace(*change))[0].startswith(expected)


def test_missing_file(tmp_path):
    """A definition that is not there is a definition error, not a traceback."""
    with pytest.raises(DefinitionError, match="no such file"):
        load(tmp_path / "nothing.yaml")


def test_python_tags_are_refused(tmp_path):
    """YAML is data: a tag that would build a Python object is an error."""
    assert "not valid YAML" in problems(tmp_path, "refinery: !!python/object/apply:os.getcwd []\n")[0]


@pytest.mark.parametrize(
    ("written", "tokens"), [("2B", 2 * 10**9), ("1.5M", 1_500_000), ("800", 800), (5, 5)]
)
def test_token_counts(tmp_path, written, tokens):
    """Token budgets may be written with K, M, B and T."""
    text = VALID.replace("outputs:", f"    select: {{tokens: {written}, by: lang_score}}\noutputs:")
    name, settings = load(write(tmp_path, text)).pipeline.stages["clean"].verb
    assert (name, settings.tokens) == ("select", tokens)
