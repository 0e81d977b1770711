"""Rule sets written as files."""

import pytest

from refinery.definition.paths import Paths
from refinery.filters.rule_set_file import as_file
from refinery.filters.rules import load_rule_set


@pytest.mark.parametrize("name", ["gopher", "zh", "sw", "fineweb2/tha_Thai"])
def test_a_set_written_as_a_file_is_the_same_set(name, tmp_path, refinery):
    """Its rules, with what it includes, their order, sources and language; `refinery rules` prints it."""
    built_in = load_rule_set(name)
    code, out, _ = refinery("rules", name)
    assert (code, out) == (0, as_file(built_in))
    (tmp_path / "own.yaml").write_text(out, "utf-8")
    own = load_rule_set("./own.yaml", Paths(tmp_path))
    assert [(r.name.partition(".")[2], r.predicate, r.source) for r in own.rules] == [
        (r.name.partition(".")[2], r.predicate, r.source) for r in built_in.rules
    ]
    assert (own.languages, own.description) == (built_in.languages, built_in.description)
