"""Where outputs are written."""

from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.definition.outputs import Output
from refinery.definition.yaml import Location
from refinery.plan.outputs import output_folders, output_tokens, wanted_measurements
from refinery.sources.documents import SourceSpec
from tests.conftest import PIPELINE
from tests.megatron import byte_level

SOURCES = {"crawl": SourceSpec("crawl", ("/data/crawl",))}


def reported(folder: Path, outputs: str) -> tuple[dict[str, str], list[tuple[Location, str]]]:
    """The folders of the outputs, and what is wrong with them."""
    file = folder / "pipeline.yaml"
    head = PIPELINE.partition("outputs:")[0].replace(
        "name: tiny", "name: tiny\nroots: {store: 's3://bucket'}"
    )
    file.write_text(f"{head}outputs: {outputs}\n", encoding="utf-8")
    found: list[tuple[Location, str]] = []
    folders = output_folders(load(file), SOURCES, lambda place, message: found.append((place, message)))
    return {name: str(place) for name, place in folders.items()}, found


def test_folders_and_urls(tmp_path):
    """Relative to the definition, or below a root; one stage may have several."""
    outputs = "{a: {from: unique, path: ./x/../out}, b: {from: unique, path: '{store}/b'}}"
    assert reported(tmp_path, outputs) == ({"a": f"{tmp_path}/out", "b": "s3://bucket/b"}, [])


@pytest.mark.parametrize(
    ("outputs", "place", "problem"),
    [
        ("{a: {from: uniqe, path: out}}", "from", "no stage 'uniqe'; did you mean \"unique\"?"),
        (
            "{a: {from: crawl, path: out}}",
            "from",
            "'crawl' is a source, and outputs are of stages; make one that only comes `from: crawl`",
        ),
        (
            "{a: {from: unique, path: '{stor}/a'}}",
            "path",
            "no root is called 'stor'; did you mean \"store\"?",
        ),
        (
            "{a: {from: unique, path: /data/crawl/out}}",
            "path",
            "it lies in the source 'crawl', which would read it",
        ),
        (
            "{b: {from: unique, path: out}, a: {from: screened, path: out/in}}",
            "path",
            "the output 'b' is written",
        ),
        ("{a: {from: unique, path: 's3://bucket'}}", "path", "its records lie in a folder beside it"),
        ("{a: {from: unique, path: /}}", "path", "its records lie in a folder beside it"),
        (
            "{b: {from: unique, path: out}, a: {from: unique, path: out.records/a}}",
            "path",
            "the output 'b' is written there too",
        ),
        (
            "{a: {from: unique, path: 'nonesuch://out'}}",
            "path",
            "nonesuch:// is not a filesystem that fsspec",
        ),
    ],
)
def test_what_is_wrong_with_an_output(tmp_path, outputs, place, problem):
    """A stage that is none, a source, an unknown root, a folder that is another's or that a source reads."""
    ((where, message),) = reported(tmp_path, outputs)[1]
    assert where == ("outputs", "a", place)
    assert problem in message


def test_tokenizers_are_found_and_all_that_is_wrong_with_them_is_told(tmp_path):
    """At the output that has them: absent, damaged, on a store, without the token that is said."""
    byte_level(tmp_path / "tokenizer.json")
    (tmp_path / "damaged.json").write_text("{}")
    wanted = {
        "good": "tokenizer.json",
        "absent": "none.json",
        "damaged": "damaged.json",
        "store": "'{store}/t.json'",
        "end": "{file: tokenizer.json, eod: '<|eot|>'}",
    }
    outputs = ", ".join(f"{n}: {{from: unique, path: {n}, tokenize: {t}}}" for n, t in wanted.items())
    file = tmp_path / "pipeline.yaml"
    head = PIPELINE.partition("outputs:")[0].replace("tiny", "tiny\nroots: {store: 's3://bucket'}")
    file.write_text(f"{head}outputs: {{{outputs}}}\n", encoding="utf-8")
    told: dict[Location, str] = {}
    found = output_tokens(load(file), told.__setitem__)
    assert {name: (one.path, one.end) for name, one in found.items()} == {
        "good": (tmp_path / "tokenizer.json", "<|endoftext|>")
    }
    problems = {
        "absent": "none.json: the tokenizer cannot be read: No such file",
        "damaged": "damaged.json: not a tokenizers JSON file",
        "store": "s3://bucket/t.json: models, tokenizers and rule sets are read from this machine's disk",
        "end": "it has no token '<|eot|>'; did you mean \"<|endoftext|>\"?",
    }
    assert told.keys() == {("outputs", name, "tokenize") for name in problems}
    assert all(problem in told["outputs", name, "tokenize"] for name, problem in problems.items())


def test_a_licence_is_written_whatever_is_chosen():
    """Who chooses columns does not lose what an output's attribution speaks of; token ids have no columns."""
    output = Output.model_validate({"from": "all", "path": "out", "measurements": ["words"]})
    assert wanted_measurements(output) == ("words", "licence")
    assert wanted_measurements(output.model_copy(update={"measurements": None})).count("licence") == 1
