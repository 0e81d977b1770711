"""Keys of results: what they depend on, and what they do not."""

import pytest

from tests.conftest import PIPELINE
from tests.run.planning import plan_of


@pytest.fixture
def keys(data_repository):
    """The keys of the results of a definition, by name."""

    def of(text: str) -> dict[str, str]:
        (data_repository / "pipeline.yaml").write_text(text)
        return {
            name: result.key for name, result in plan_of(data_repository / "pipeline.yaml").results.items()
        }

    return of


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The names of results that have another key, or none."""
    return {name for name in before if before[name] != after.get(name)}


BELOW = {"stages.screened", "stages.unique", "stages.unique.dedup", "outputs.unique"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("words >= 50", "words >= 51", BELOW),
        ("exact: true", "exact: false", {"sources.crawl.content", "stages.unique.dedup", "outputs.unique"}),
        ("path: out", "path: elsewhere", set()),
        ("path: out", "path: out, shuffle: 3", {"outputs.unique"}),
        ("name: tiny", "name: other", set()),
    ],
)
def test_a_key_changes_with_what_it_is_made_of_alone(keys, old, new, expected):
    """What a setting does not concern keeps its key."""
    assert PIPELINE.replace(old, new) != PIPELINE
    assert changed(keys(PIPELINE), keys(PIPELINE.replace(old, new))) == expected


def test_a_model_of_a_source_is_made_of_its_rewritten_text(keys):
    """Without `protect` no stage stands between a model and a source; its transforms are part of the model's key."""
    models = "  books: {path: crawl/0.parquet}\nmodels: {topic: {train: {positive: books, negative: crawl}}}\nstages:"
    text = PIPELINE.replace("stages:", models, 1)
    chains = ("[]", "[normalize]", "[{normalize: {ftfy: true}}]")
    found = [text.replace("crawl: {", f"crawl: {{transform: {chain}, ", 1) for chain in chains]
    assert len({keys(one)["models.topic"] for one in found}) == 3
    assert keys(found[0])["models.topic"] == keys(text)["models.topic"]


DERIVED = PIPELINE.replace(
    "    keep:\n",
    '    derive: {long: "words > 50", half: "words / 2", unread: "words + 1", double: "4 * half"}\n    keep:\n',
).replace('"words >= 50"', '"long"').replace("path: out", "path: out, measurements: [double]")  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("words > 50", "words > 51", BELOW),
        ("words / 2", "words / 3", {"outputs.unique"}),
        ("4 * half", "5 * half", {"outputs.unique"}),
        ("words + 1", "words + 2", set()),
        ("exact: true", "exact: true, prefer: [unread]", {"stages.unique.dedup", "outputs.unique"}),
    ],
)
def test_what_reads_a_derived_column_is_made_again_when_it_changes(keys, old, new, expected):
    """Whatever it is read through; nothing is measured again."""
    assert changed(keys(DERIVED), keys(DERIVED.replace(old, new))) == expected


def test_what_reads_derived_columns_says_of_what_they_are_made(data_repository):
    """So that a change of their SQL can be told."""
    (data_repository / "pipeline.yaml").write_text(DERIVED)
    results = plan_of(data_repository / "pipeline.yaml").results
    assert results["stages.screened"].made_of["derive"] == {"long": "words > 50"}
    assert results["outputs.unique"].made_of["derive"] == {"double": "4 * half", "half": "words / 2"}
    assert "derive" not in results["stages.unique.dedup"].made_of


def test_a_count_is_made_of_the_texts_before_it(data_repository):
    """Of the source's documents, and of a count that an earlier transform needs; not of itself."""
    lines = "{lines: {repeated: 1%}}"
    text = PIPELINE.replace("sources:\n", f"transform: [{lines}, normalize]\nsources:\n")
    text = text.replace("    transform: [normalize]\n", f"    transform: [{lines}]\n")
    (data_repository / "pipeline.yaml").write_text(text)
    results = plan_of(data_repository / "pipeline.yaml").results
    first, second = "sources.crawl.lines", "sources.crawl.lines.normalize.lines"
    assert results[first].inputs == ("sources.crawl",)
    assert results[second].inputs == ("sources.crawl", first)
    assert set(results["sources.crawl.lines.lines.signals"].inputs) == {"sources.crawl", first, second}
