"""The rule by which a document goes for a protected one."""

import numpy as np

from refinery.dedup.protect_rules import rules_of
from tests.dedup.corpus import write_shard


def test_the_rule_is_that_of_the_shard(tmp_path):
    """Of a source that two names hold the first one's; an empty shard has none of the documents."""
    held = (("b", ["x", "y"]), ("a", []), ("both", ["z"]))
    shards = [write_shard(tmp_path / name, texts, earlier=True, source=name) for name, texts in held]
    rules = rules_of(shards, {"one": ("a", "both"), "two": ("b", "both")})
    assert rules.of(np.arange(3)).tolist() == [1, 1, 0]
    assert rules.inside(np.arange(3)).tolist() == [3, 3, 2]
    assert rules.sources == {"a": 0, "both": 0, "b": 1}
