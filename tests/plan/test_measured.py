"""The columns that measurers make."""

from refinery.definition.load import load
from refinery.definition.paths import Paths
from refinery.filters.token_count import Size
from refinery.plan.graph import View
from refinery.plan.measured import add_measured, measurers_of, size_measurer
from refinery.plan.problems import Problems
from tests.conftest import PIPELINE


def test_names_of_columns_are_those_of_the_settings(tmp_path):
    """A prefix of a column's name is `as`; two of one name, and one that is taken, are told."""
    (tmp_path / "p.yaml").write_text(PIPELINE, "utf-8")
    problems = Problems(load(tmp_path / "p.yaml").source, [])
    uses = ["language", {"language": {"as": "tongue"}}, {"language": {"as": "a b"}}, "langauge"]
    made = measurers_of(("stages", "screened"), uses, Paths(), problems)
    assert [prefix for _, prefix in made] == [None, "tongue", "a b"]
    assert [line.partition("stages.screened.measure.")[2] for line in problems.found] == [
        "2.language.as: expected a column name, got 'a b'",
        "3: no measurer is called 'langauge'; did you mean \"language\"?",
    ]
    columns = {}
    assert add_measured(View("crawl"), made[:2], columns, set()) == []
    assert {"lang", "tongue_lang"} <= columns.keys()
    (first, second) = add_measured(View("crawl"), [made[0], made[0]], {}, {"lang"})[:2]
    assert "a name that every output or rule has already" in first
    assert "both make the column 'lang'; rename one with `as`" in second


def test_size_is_counted_as_the_definition_says(tmp_path):
    """Bytes, code points and tokens, the last by the family that `tokens` names."""
    (tmp_path / "p.yaml").write_text(PIPELINE + "tokens: {family: llama}\n", "utf-8")
    definition = load(tmp_path / "p.yaml")
    problems = Problems(definition.source, [])
    size = size_measurer(definition.pipeline.tokens, Paths(), problems)
    assert [entry.name for entry in size.schema] == ["bytes", "chars", "tokens"]
    assert size.settings != Size().settings
    assert problems.found == []
