"""Everything a definition can get wrong is found before any text is read, all of it at once."""

import dataclasses
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from refinery.definition.load import load
from refinery.definition.models import Source
from refinery.errors import DefinitionError
from refinery.models.model_file import BUILT_IN
from refinery.plan.graph import Graph
from refinery.plan.resolve import resolve
from refinery.sources.documents import SourceSpec
from tests.conftest import PIPELINE, write_parquet


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
        (("outputs:\n  unique: {from: unique", "outputs:\n  unique: {from: uniqe"), 'did you mean "unique"?'),
        (
            ("[language, signals]", "[language, language, signals]"),
            "both make the column 'lang'; rename one with `as`",
        ),
        (
            ("[language, signals]", "[{language: {modle: x}}, signals]"),
            '10: stages.screened.measure.0.language.modle: unknown key; did you mean "model"?',
        ),
        (("[language, signals]", "[{language: {model: {file: none.bin}}}, signals]"), "none.bin"),
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
    text = text.replace("outputs:\n  unique: {from: unique", "outputs:\n  unique: {from: uniqe")
    assert len(problems(tmp_path, text)) == 3


def test_stores_are_not_opened(tmp_path):
    """An archive that is not there, dots and missing packages in paths keep no other problem from being told."""
    text = PIPELINE.replace(
        'path: "crawl/*.parquet"',
        "path: [zip://a.jsonl::memory://x/none.zip, memory://x/../y, webhdfs://h/x]",
    )
    assert text != PIPELINE
    text = text.replace("path: out", "path: memory://x/out")
    assert len(resolved(tmp_path, text).output_paths) == 1
    found = problems(
        tmp_path, text.replace("memory://x/out", "nonesuch://out").replace("words >= 50", "wrods >= 50")
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


def test_shipped_pipelines_are_sound():
    """The definitions that ship name only what exists; their models are made by the run."""
    from importlib.resources import files

    for file in sorted(Path(str(files("refinery"))).joinpath("pipelines").glob("*.yaml")):
        assert resolve(load(file)).makings


def chains(graph: Graph, stage: str) -> dict[str, list[str]]:
    return {source: [t.name for t in view.transforms] for source, view in graph.stages[stage].views.items()}


def test_transforms_of_the_top_level_are_those_of_every_source_without_its_own(tmp_path):
    """Before those of stages; an empty list is one of its own."""
    text = PIPELINE.replace(
        '  crawl: {path: "crawl/*.parquet"}\n',
        "  crawl: {path: a}\n  plain: {path: b, transform: []}\n"
        "  repaired: {path: c, transform: [{normalize: {ftfy: true}}]}\n",
    ).replace("name: tiny", "name: tiny\ntransform: [normalize]")
    text = text.replace("from: crawl", "from: [crawl, plain, repaired]")
    alone = resolved(tmp_path, text.replace("    transform: [normalize]\n", ""))
    assert chains(alone, "unique") == {"crawl": ["normalize"], "plain": [], "repaired": ["normalize"]}
    assert alone.stages["unique"].views["repaired"].transforms[0].ftfy
    both = resolved(tmp_path, text)
    assert chains(both, "unique") == {
        "crawl": ["normalize"] * 2,
        "plain": ["normalize"],
        "repaired": ["normalize"] * 2,
    }


def test_transforms_of_the_top_level_make_the_keys_that_those_of_stages_make(tmp_path):
    """Where a transform is written does not matter to what is measured."""
    stage = {m.key for m in resolved(tmp_path, PIPELINE).measurements("crawl")}
    text = PIPELINE.replace("    transform: [normalize]\n", "")
    top = resolved(tmp_path, text.replace("name: tiny", "name: tiny\ntransform: [normalize]"))
    assert {m.key for m in top.measurements("crawl")} == stage
    assert {m.key for m in resolved(tmp_path, text).measurements("crawl")} != stage


def test_slips_of_form_and_of_meaning_are_told_together(tmp_path):
    """Keys, a share, a setting, names, columns, a root, outputs: a line each, none for what only follows."""
    outputs = 'path: "{dta}/out", shufle: 1}\n  second: {path: out2}\n  third: {from: uniqe, path: out3}'
    text = (
        PIPELINE.replace("name: tiny", "name: tiny\nroots: {data: .}")
        .replace('path: "crawl/*.parquet"', 'pth: "crawl/*.parquet"')
        .replace("lang_score >= 0.5", "lang_scor >= 0.5")
        .replace("words >= 50", "wrods >= 50")
        .replace("    dedup", "    transform: [normalise]\n    measure: [{language: {modle: x}}]\n    dedup")
        .replace("near:", 'missing: 0.3, prefer: ["lang_sure"], near:')
        .replace("path: out}", outputs)
    )
    braces = "braces themselves are written {{ }}"
    assert sorted(problems(tmp_path, text), key=lambda line: int(line.partition(":")[0])) == [
        "6: sources.crawl: the key 'path' is missing",
        '6: sources.crawl.pth: unknown key; did you mean "path"?',
        '13: stages.screened.keep.0.english: no column "lang_scor"; did you mean "lang_score"?',
        '14: stages.screened.keep.1.long_enough: no column "wrods"; did you mean "words"?',
        "17: stages.unique.transform.0: no transform is called 'normalise'; did you mean \"normalize\"?",
        '18: stages.unique.measure.0.language.modle: unknown key; did you mean "model"?',
        "19: stages.unique.dedup.missing: input should be 'first' or 'last', got 0.3",
        '21: outputs.unique.shufle: unknown key; did you mean "shuffle"?',
        f"21: outputs.unique.path: no root is called 'dta'; did you mean \"data\"?; {braces}",
        "22: outputs.second: say which stage it is: second: {from: STAGE, path: out2}",
        "23: outputs.third.from: no stage 'uniqe'; did you mean \"unique\"?",
    ]


@pytest.mark.parametrize(
    ("path", "problem"), [("pth: a", "the key 'path' is missing"), ("path: '{x}/a'", "no root")]
)
def test_nothing_is_told_of_the_columns_of_a_source_that_is_wrong_itself(tmp_path, path, problem):
    """A ranking by a column that its files may have; measured columns are checked all the same."""
    text = PIPELINE.replace('path: "crawl/*.parquet"', path).replace("near:", 'prefer: ["year DESC"], near:')
    found = problems(tmp_path, text.replace("words >= 50", "wrods >= 50"))
    assert problem in found[0]
    assert [line for line in found if "sources.crawl" not in line] == [
        '13: stages.screened.keep.1.long_enough: no column "wrods"; did you mean "words"?'
    ]


def test_a_cycle_is_told_beside_other_slips(tmp_path):
    """And not of stages that only come from a name that there is not."""
    cycle = (
        "  one: {from: two}\n  two: {from: [one, crawl]}\n  lost: {from: nowhere}\n  after: {from: lost}\n"
    )
    found = problems(
        tmp_path, PIPELINE.replace("outputs:", f"{cycle}outputs:").replace("words >= 50", "wrods > 5")
    )
    assert [line.split(": ", 1)[1] for line in found] == [
        "stages.lost.from: no source or stage 'nowhere'; there is after, crawl, one, screened, two, unique",
        "stages.one.from: the stages one, two come from each other",
        'stages.screened.keep.1.long_enough: no column "wrods"; did you mean "words"?',
    ]


def test_models_by_name_and_by_file_are_the_same(tmp_path):
    """A name of `models`; a file where a name should be is told how to write."""
    shutil.copy(BUILT_IN, tmp_path / "lid.ftz")
    head = "name: tiny\nroots: {data: .}\nmodels: {lid: {file: '{data}/lid.ftz'}}"
    text = PIPELINE.replace("name: tiny", head)
    keys = []
    for model in ("lid", "{file: lid.ftz}", "{file: '{data}/lid.ftz'}"):
        graph = resolved(tmp_path, text.replace("[language,", f"[{{language: {{model: {model}}}}},"))
        keys.append({m.key for m in graph.measurements("crawl")})
    assert keys[0] == keys[1] == keys[2]
    assert problems(tmp_path, text.replace("[language,", "[{language: {model: lid.ftz}},")) == [
        "12: stages.screened.measure.0.language.model: no model is called 'lid.ftz'; did you mean \"lid\"?; "
        "a file is written {file: lid.ftz}"
    ]


def test_passages_count_the_tokens_of_the_definition(tmp_path):
    """Of the family that it names."""
    text = PIPELINE[: PIPELINE.index("dedup:")] + "passages: {tokens: 50}\n"
    text += PIPELINE[PIPELINE.index("outputs:") :]
    graph = resolved(tmp_path, text.replace("name: tiny", "name: tiny\ntokens: {family: llama}"))
    assert "llama" in [stage.verb.settings["family"] for stage in graph.stages.values() if stage.verb]


def test_a_rule_set_by_path_has_roots_too(tmp_path):
    """Relative to the definition or to a root."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.yaml").write_text("rules: {some: 'words > 3'}")
    text = PIPELINE.replace("name: tiny", "name: tiny\nroots: {data: .}")
    graph = resolved(tmp_path, text.replace('- english: "', '- "{data}/rules/own.yaml"\n      - english: "'))
    assert graph.stages["screened"].rules[0].name == "own.some"


def test_every_setting_of_a_source_is_one_of_its_reader_with_the_same_default():
    """What a definition can say of a source is what the reader is told."""
    written = {
        n: f.default
        for n, f in Source.model_fields.items()
        if n not in {"path", "transform", "columns", "join", "licence", "trusted"}
    }
    read = {f.name: f.default for f in dataclasses.fields(SourceSpec) if f.name in written}
    assert written == read


def test_a_typed_column_needs_no_files(tmp_path):
    """A definition is checked as a whole before its files are there; what they lack is told once, at the source."""
    text = PIPELINE.replace(
        'crawl: {path: "crawl/*.parquet"}',
        'crawl: {path: "crawl/*.parquet", columns: {title: string, day: date}}',
    ).replace("near: {similarity: 0.8}}", "near: {similarity: 0.8, within: [day]}, prefer: [day DESC]}")
    text = text.replace("    keep:\n", '    derive: {named: "title || lang"}\n    keep:\n', 1)
    assert resolved(tmp_path, text).stages["screened"].columns["crawl"]["named"].type == pa.string()
    write_parquet(tmp_path / "crawl" / "0.parquet", [{"id": "a", "text": "One.", "day": "2020-01-02"}])
    (found,) = problems(tmp_path, text)
    assert "sources.crawl.columns.title: no file has a column 'title'; there is day" in found
