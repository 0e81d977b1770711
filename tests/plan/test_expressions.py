"""SQL in a stage: derived columns, and what is wrong with them before any text is read."""

import pyarrow as pa
import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.graph import Graph
from refinery.plan.resolve import resolve
from tests.conftest import PIPELINE, write_parquet
from tests.run.planning import plan_of

LONG = 'long: "words > 400"'


def with_derive(derive: str) -> str:
    return PIPELINE.replace("    keep:\n", f"    derive:\n{derive}\n    keep:\n", 1)


def lines(*columns: str) -> str:
    return "\n".join(f"      {column}" for column in columns)


def resolved(folder, text: str) -> Graph:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return resolve(load(folder / "pipeline.yaml"))


def problems(folder, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        resolved(folder, text)
    return [line.removeprefix(f"{folder}/pipeline.yaml:") for line in caught.value.problems]


def test_a_derived_column_is_one_of_its_stage_and_of_those_below(tmp_path):
    """Of the type that its SQL gives; of columns measured there, of columns derived above it, of the source."""
    graph = resolved(
        tmp_path,
        with_derive(
            lines(
                LONG,
                'score: "0.6 * lang_score + 0.4 * words / 1000"',
                'shown: "CASE WHEN long THEN UPPER(lang) END"',
                "own: \"source = 'crawl'\"",
                'half: "0.5 * words"',
            )
        ),
    )
    types = {name: column.type for name, column in graph.stages["unique"].columns["crawl"].items()}
    made = {"long": pa.bool_(), "score": pa.float64(), "shown": pa.string(), "own": pa.bool_()}
    assert made | {"half": pa.float64()} == {name: types[name] for name in (*made, "half")}


@pytest.mark.parametrize(
    ("derive", "expected"),
    [
        (['long: "wrods > 400"'], '12: stages.screened.derive.long: no column "wrods"; did you mean "words"?'),
        (['long: "words > ("'], "12: stages.screened.derive.long: not a SQL expression"),
        (["long: \"words > 'many'\""], "cannot compare"),
        (["german: \"lang = 'ger'\""], "lang is never 'ger'"),
        (["own: \"source <> 'reuters'\""], "source is never 'reuters'; there is crawl"),
        (['long: "words > AVG(words)"'], "a column is derived for each document by itself"),
        (['long: "400"'], "it reads no measurement"),
        (['none: "CASE WHEN words > 1 THEN NULL END"'], "it gives Null, not a number, date, time, boolean or text"),
        (["parts: \"STRING_TO_ARRAY(lang, ',')\""], "it gives List(String), not a number"),
        (['words: "tokens / 2"'], "the measurer signals makes a column 'words' already; choose another name"),
        (['text: "words"'], "every output or rule has 'text' already; choose another name"),
        (['year: "words"'], "the source 'crawl' has a column 'year' already; choose another name"),
        (['2nd: "words"'], "expected a column's name: letters, digits and _, no digit first"),
        (['twice: "2 * more"', 'more: "words"'], "it reads 'more', which is derived below it: put 'more' first"),
        (['ratio: "relevant"', 'high: "ratio > 1"'], 'no column "relevant"'),
        (["above: \"words > suggested('topic')\""], "derive.above: suggested('topic'): no model is called 'topic'"),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_named_once_where_it_stands(tmp_path, derive, expected):
    """What rests on it is not told again."""
    write_parquet(tmp_path / "crawl" / "0.parquet", [{"text": "one", "year": 2020}])
    (found,) = problems(tmp_path, with_derive(lines(*derive)))
    assert expected in found


def test_a_measurer_that_was_forgotten_is_named(tmp_path):
    """As for a rule."""
    text = with_derive(lines(LONG)).replace("[language, signals]", "[language]")
    found = problems(tmp_path, text.replace('      - long_enough: "words >= 50"\n', ""))
    assert [line.partition(": ")[2] for line in found] == [
        "stages.screened.derive.long: the measurer signals makes what it reads: add signals to `measure`"
    ]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ('    derive: {long: "words > 9"}\n', "unique.derive.long: a stage above derives a column 'long' already"),
        ("    measure: [{patterns: {long: x}}]\n", "patterns makes the column 'long', which a stage above derives"),
    ],
)  # fmt: skip
def test_no_stage_below_makes_another_column_of_that_name(tmp_path, stage, expected):
    """It would be two things in one output."""
    text = with_derive(lines(LONG)).replace("    dedup:", f"{stage}    dedup:")
    (found,) = problems(tmp_path, text)
    assert expected in found


def test_branches_that_derive_different_columns_of_one_name_do_not_meet(tmp_path):
    """Nor do different measurements of one name."""
    text = with_derive(lines(LONG)).replace(
        "  unique:\n    from: screened\n",
        '  other:\n    from: crawl\n    measure: [signals]\n    derive: {long: "words > 9"}\n'
        "  unique:\n    from: [screened, other]\n",
    )
    found = problems(tmp_path, text.replace("    transform: [normalize]\n", ""))
    assert ["crawl arrives here with two kinds of 'long'" in line for line in found] == [True]


def test_a_column_has_one_type_whatever_source_it_is_of(tmp_path):
    """A rule, and a file of the output, have one for all; told where they meet, and not again below."""
    text = (
        with_derive(lines(LONG))
        .replace("sources:\n", "sources:\n  other: {path: other}\n")
        .replace(
            "  unique:\n    from: screened\n",
            '  more:\n    from: other\n    measure: [signals]\n    derive: {long: "2 * words"}\n'
            "  both:\n    from: [screened, more]\n  unique:\n    from: both\n",
        )
    )
    found = [line.partition(": ")[2] for line in problems(tmp_path, text)]
    assert found == [
        "stages.both.from: the column 'long' is bool of crawl, int64 of other: rename or CAST one"
    ]
    assert resolved(tmp_path, text.replace("2 * words", "words > 3"))


def keys(folder, derive: str, rule: str = "long") -> tuple[str, str]:
    """Of all that is measured, and of the decisions by rules of which the last is this."""
    text = with_derive(lines(derive)).replace("words >= 50", rule)
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    plan = plan_of(folder / "pipeline.yaml")
    measured = ",".join(sorted(m.key for m in plan.graph.measurements("crawl")))
    return measured, plan.decision_key("screened", "crawl")


def test_the_sql_and_what_it_reads_are_the_columns_identity(data_repository):
    """Nothing is measured again for other SQL, but what reads the column is made again, and nothing else."""
    measured, decisions = keys(data_repository, LONG)
    assert keys(data_repository, f"{LONG}\n      # a comment") == (measured, decisions)
    assert keys(data_repository, f'{LONG}\n      more: "words + 1"') == (measured, decisions)
    assert keys(data_repository, 'long: "words > 401"')[0] == measured
    assert keys(data_repository, 'long: "words > 401"')[1] != decisions
    assert keys(data_repository, 'long: "tokens > 400"')[1] != decisions
    others = {keys(data_repository, derive, "words >= 50") for derive in (LONG, 'long: "words > 401"')}
    assert len(others) == 1
