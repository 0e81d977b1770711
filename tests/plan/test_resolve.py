"""Everything a definition can get wrong is found before any text is read, all of it at once."""

from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.graph import Graph
from refinery.plan.resolve import resolve
from tests.conftest import PIPELINE


def resolved(folder: Path, text: str) -> Graph:
    file = folder / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return resolve(load(file))


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        resolved(folder, text)
    return [line.removeprefix(f"{folder}/pipeline.yaml:") for line in caught.value.problems]


def test_a_sound_definition(tmp_path):
    """Stages come parents first and know the columns that rules can use."""
    graph = resolved(tmp_path, PIPELINE)
    assert list(graph.stages) == ["screened", "unique"]
    assert {"lang", "words", "bytes"} <= set(graph.stages["unique"].columns["crawl"])
    assert graph.stages["unique"].depth == 0
    assert graph.stages["unique"].views["crawl"].transforms[0].name == "normalize"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ("from: crawl", "from: crowl"),
            "8: stages.screened.from: no source or stage 'crowl'; did you mean \"crawl\"?",
        ),
        (
            ("[language, signals]", "[langauge, signals]"),
            "no measurer is called 'langauge'; did you mean \"language\"?",
        ),
        (("[normalize]", "[normalise]"), "no transform is called 'normalise'; did you mean \"normalize\"?"),
        (("words >= 50", "wrods >= 50"), 'did you mean "words"'),
        (("words >= 50", "words + 1"), "long_enough"),
        (("words >= 50", "words >= ("), "long_enough"),
        (("lang = 'en'", "lang = 'eng'"), "'eng'"),
        (('- long_enough: "words >= 50"', "- gophre"), '"gopher"'),
        (('- long_enough: "words >= 50"', "- {rules: gopher, without: [shrt]}"), '"short"'),
        (("near: {similarity: 0.8}", "near: {similarity: 0.8, bands: 20, rows: 10}"), "more than num_perm"),
        (
            ("exact: true,", 'exact: true, prefer: ["relevence DESC"],'),
            "no measurer before this makes the column",
        ),
        (("exact: true,", 'exact: true, prefer: ["lang UP"],'), 'prefer.0: expected "COLUMN", "COLUMN ASC"'),
        (("exact: true,", "exact: true, against: out,"), "this pipeline writes there itself"),
        (("outputs:\n  unique:", "outputs:\n  uniqe:"), 'did you mean "unique"?'),
        (
            ("[language, signals]", "[language, language, signals]"),
            "both make the column 'lang'; rename one with `as`",
        ),
        (
            ("[language, signals]", "[{language: {modle: x}}, signals]"),
            "no setting 'modle'; did you mean \"model\"?",
        ),
        (("[language, signals]", "[{language: {model: none.bin}}, signals]"), "none.bin"),
    ],
)
def test_one_slip(tmp_path, change, expected):
    """Each slip is one line that names the place and, where there is one, the nearest valid name."""
    text = PIPELINE.replace(*change)
    assert text != PIPELINE
    found = problems(tmp_path, text)
    assert any(expected in line for line in found), found


def test_a_cycle_is_named(tmp_path):
    """Stages that come from each other are an error, not an endless loop."""
    found = problems(tmp_path, PIPELINE.replace("from: crawl", "from: unique"))
    assert "the stages screened, unique come from each other" in found[0]


def test_all_slips_at_once(tmp_path):
    """Three slips in three places give three lines."""
    text = (
        PIPELINE.replace("wrods", "")
        .replace("words >= 50", "wrods >= 50")
        .replace("lang = 'en'", "lang = 'xx'")
    )
    text = text.replace("outputs:\n  unique:", "outputs:\n  uniqe:")
    assert len(problems(tmp_path, text)) == 3


def test_stores_are_not_opened(tmp_path):
    """An archive that is not there, dots and missing packages in paths keep no other problem from being told."""
    text = PIPELINE.replace(
        'path: "crawl/*.parquet"',
        "path: [zip://a.jsonl::memory://x/none.zip, memory://x/../y, webhdfs://h/x]",
    )
    assert text != PIPELINE
    text = text.replace("path: out", "path: memory://out")
    assert len(resolved(tmp_path, text).output_paths) == 1
    found = problems(
        tmp_path, text.replace("memory://out", "nonesuch://out").replace("words >= 50", "wrods >= 50")
    )
    assert len(found) == 2
    assert "nonesuch:// is not a filesystem that fsspec knows" in "".join(found)


def test_measurements_do_not_depend_on_rules_or_order_of_keys(tmp_path):
    """The measure pass of two definitions is the same when only thresholds, comments or key order differ."""
    first = {m.key for m in resolved(tmp_path, PIPELINE).measurements("crawl")}
    text = "# a comment\n" + PIPELINE.replace("words >= 50", "words >= 99").replace(
        "[language, signals]", "[signals, language]"
    )
    assert {m.key for m in resolved(tmp_path, text).measurements("crawl")} == first
    other = PIPELINE.replace("num_perm", "").replace("{similarity: 0.8}", "{similarity: 0.8, num_perm: 64}")
    assert {m.key for m in resolved(tmp_path, other).measurements("crawl")} != first


def test_shipped_pipelines_are_sound_but_for_the_models_they_wait_for():
    """The definitions that ship name only what exists; the models are the user's to train."""
    from importlib.resources import files

    for file in sorted(Path(str(files("refinery"))).joinpath("pipelines").glob("*.yaml")):
        try:
            resolve(load(file))
        except DefinitionError as error:
            assert all("measure.0: " in line and "models/" in line for line in error.problems), error
            assert len(error.problems) == 1
