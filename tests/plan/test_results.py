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
