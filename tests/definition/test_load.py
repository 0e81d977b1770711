"""Loading a definition: every mistake is reported with its place, all at once."""

from pathlib import Path

import pytest

import refinery
from refinery.definition.load import load
from refinery.definition.paths import ModelUse
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
  clean: {from: clean, path: out}
"""


KINDS = ("sources", "stages", "outputs")


def write(folder: Path, text: str) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[str]:
    try:
        found = load(write(folder, text)).problems
    except DefinitionError as error:
        found = error.problems
    return [line.removeprefix(f"{folder}/pipeline.yaml:") for line in found]


def test_valid_definition(tmp_path):
    """A valid definition becomes models; a single name may stand for a list."""
    loaded = load(write(tmp_path, VALID))
    assert loaded.pipeline.stages["clean"].from_ == ("crawl",)
    assert loaded.base == tmp_path


def test_a_path_where_a_source_should_be_is_told_with_its_key(tmp_path):
    """The line as it should be."""
    (found,) = problems(tmp_path, VALID.replace('{path: "crawl/*.parquet"}', "crawl"))
    assert found.endswith(": write {path: crawl}")


def test_all_errors_at_once_with_line_path_and_nearest_name(tmp_path):
    """Two slips in two places give two lines, each with line, path and the nearest valid key."""
    text = VALID.replace("measure:", "mesure:").replace("path: out}", "path: out, shufle: 1}")
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
        (
            ("path: out}", "path: out, measurements: tokens}"),
            "13: outputs.clean.measurements: expected a list: write [tokens]",
        ),
        (
            ('{path: "crawl/*.parquet"}', "crawl"),
            "5: sources.crawl: expected a mapping with the keys path, transform, text, ",
        ),
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
    ("written", "tokens"), [("2B", 2 * 10**9), ("1.5M", 1_500_000), ("800", 800), ("1e9", 10**9), (5, 5)]
)
def test_token_counts(tmp_path, written, tokens):
    """Token budgets may be written with K, M, B and T."""
    text = VALID.replace("outputs:", f"    select: {{tokens: {written}, by: lang_score}}\noutputs:")
    name, settings = load(write(tmp_path, text)).pipeline.stages["clean"].verb
    assert (name, settings.tokens) == ("select", tokens)


def test_what_is_wrong_is_left_out_and_the_rest_is_there(tmp_path):
    """So that the rest can be checked too: of a list with a slip nothing is left, all else stays."""
    text = VALID.replace("[language]", "[language, 5]").replace("path: out", "pth: out")
    loaded = load(write(tmp_path, text.replace("{path: ", "{on_error: stop, path: ")))
    assert [line.partition(".yaml:")[2] for line in loaded.problems] == [
        "5: sources.crawl.on_error: input should be 'quarantine' or 'fail', got 'stop'",
        "9: stages.clean.measure.1: expected a name, or one name with its settings: NAME or {NAME: {KEY: VALUE}}",
        "13: outputs.clean: the key 'path' is missing",
        '13: outputs.clean.pth: unknown key; did you mean "path"?',
    ]
    assert loaded.pipeline.sources["crawl"].on_error == "quarantine"
    stage = loaded.pipeline.stages["clean"]
    assert (stage.measure, stage.keep) == ((), ({"english": "lang = 'en'"},))
    assert loaded.pipeline.outputs == {}
    assert loaded.is_broken("stages", "clean") and not loaded.is_broken("stages", "other")


def test_an_empty_mapping_is_an_error(tmp_path):
    """A definition has a source, a stage and an output."""
    text = "refinery: 1\nname: x\nsources: {}\nstages: {}\noutputs: {}\n"
    assert problems(tmp_path, text) == [f"{n}: {k}: expected one at least" for n, k in enumerate(KINDS, 3)]


@pytest.mark.parametrize(
    ("written", "place", "word"),
    [
        ("measure: [language]\n    from: [no, b]", "from.0", "no"),
        ("measure: [language]\n    from: off", "from", "no"),
        ("measure: on", "measure", "yes"),
    ],
)
def test_an_unquoted_no_is_told_with_the_quotes_to_paste(tmp_path, written, place, word):
    """YAML makes a truth value of the code of Norwegian; the cause is said, once, and not that a list is empty."""
    text = VALID.replace("from: crawl\n    ", "").replace("measure: [language]", written)
    if "from" not in written:
        text = text.replace(written, f"from: crawl\n    {written}")
    (found,) = problems(tmp_path, text)
    assert f"stages.clean.{place}: YAML takes {word}, " in found and found.endswith(f"write {word!r}")


def test_one_entry_may_stand_for_a_list(tmp_path):
    """Wherever a list is asked for, in a stage or at the top level, and for settings as for names."""
    text = VALID.replace("[language]", "{language: {model: lid}}").replace("keep:\n      - ", "keep:\n      ")
    text = text.replace("name: tiny", "name: tiny\ntransform: normalize")
    text = text.replace("outputs:", "    dedup: {prefer: source}\noutputs:")
    pipeline = load(write(tmp_path, text)).pipeline
    stage = pipeline.stages["clean"]
    assert (stage.measure, stage.keep) == (({"language": {"model": "lid"}},), ({"english": "lang = 'en'"},))
    assert (pipeline.transform, stage.dedup.prefer) == (("normalize",), ("source",))


def test_an_empty_list_is_told(tmp_path):
    """In words about the definition, not about the form it has inside."""
    (found,) = problems(tmp_path, VALID.replace("from: crawl", "from: []"))
    assert found == "8: stages.clean.from: expected one at least"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ("{from: clean, path: out}", "{path: out}"),
            "13: outputs.clean: say which stage it is: clean: {from: clean, path: out}",
        ),
        (
            ("clean: {from: clean, path: out}", "other: {path: 'a: b', shuffle: 3}"),
            "13: outputs.other: say which stage it is: other: {from: STAGE, path: 'a: b', shuffle: 3}",
        ),
        (
            ("[language]", "[language]\n    dedup: {max_cluster_share: 7%}"),
            "10: stages.clean.dedup: max_cluster_share is a guard: write `guards: {duplicates_of_one: 7%}`, at",
        ),
        (
            ("path: out}", "path: out, split: {dev: 0.07}}"),
            "13: outputs.clean.split.dev: shares are percentages: write 7%",
        ),
        (
            ("path: out}", "path: out, split: {dev: 120%}}"),
            "expected a percentage above 0% and up to 100% such as 20%, got '120%'",
        ),
    ],
)
def test_earlier_forms_are_told_what_to_write(tmp_path, change, expected):
    """The line as it should be, to paste."""
    assert VALID.replace(*change) != VALID
    (found,) = problems(tmp_path, VALID.replace(*change))
    assert expected in found


def test_a_recursive_file_is_an_error(tmp_path):
    """An alias of what it stands in ends in an error, not in a loop."""
    assert problems(tmp_path, VALID.replace("{from: clean, path: out}", "&a {from: clean, path: *a}"))


def test_other_roots_can_be_given(tmp_path):
    """In place of one that the definition has; a name that it does not have is an error with the nearest."""
    text = VALID.replace(
        "name: tiny",
        "name: tiny\nroots: {data: ./in, trained: m}\nmodels: {lid: {file: '{trained}/lid.bin'}}",
    )
    file = write(tmp_path, text.replace("crawl/*", "{data}/crawl/*"))
    paths = load(file).paths
    assert paths.expand("{data}/a") == str(tmp_path / "in/a")
    assert paths.models == {"lid": ModelUse(tmp_path / "m/lid.bin")}
    paths = load(file, {"data": "s3://bucket"}).paths
    assert (paths.expand("{data}/a"), paths.roots["trained"]) == ("s3://bucket/a", "m")
    (problem,) = load(file, {"dta": "x"}).problems
    assert problem == "--root dta: the definition has no root 'dta'; did you mean \"data\"?"


def test_wrong_roots_and_models_are_told_once_at_their_own_place(tmp_path):
    """What rests on them is not told again."""
    text = VALID.replace(
        "name: tiny", "name: tiny\nroots: {data: 5}\nmodels: {lid: {file: '{dta}/x'}, b: {file: '{data}/y'}}"
    )
    loaded = load(write(tmp_path, text))
    assert [line.partition(".yaml:")[2] for line in loaded.problems] == [
        "4: roots.data: input should be a valid string, got 5",
        "5: models.lid.file: no root is called 'dta'; did you mean \"data\"?; braces themselves are written {{ }}",
    ]
    assert loaded.paths.models == {"lid": None, "b": None}


def test_a_path_in_place_of_an_output_is_told_with_its_stage(tmp_path):
    """An output has a stage besides its path: what there is to write has both."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "refinery: 1\nname: p\nsources: {a: {path: a}}\nstages: {s: {from: a}}\noutputs: {o: out/x}\n"
    )
    with pytest.raises(DefinitionError, match=r"write \{from: STAGE, path: out/x\}"):
        refinery.check(file)
