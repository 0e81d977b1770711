"""The file for trainers; tests/run/test_parts.py compares its numbers with what is written."""

import json

from refinery.run.decide import Tally
from refinery.run.manifest import Manifest, PartAccount
from refinery.run.mixture import mixture


def part(share: float, fresh: int, repeated: int, there: int) -> PartAccount:
    return PartAccount(
        share=share, wanted=1000, documents=9, tokens=there, most_repeats=3, held_out=0, filled=fresh + repeated,
        kept=Tally(5, 0, fresh), repeated=Tally(4, 0, repeated), largest=3,
    )  # fmt: skip


def manifest_of(**fields: object) -> Manifest:
    """Without what the mixture does not read."""
    return Manifest.model_construct(pipeline="p", output="all", files=(), **fields)


def test_weights_are_of_what_is_written():
    """They add up to 1; epochs are of the unique tokens that are there; nothing is written of other outputs."""
    parts = {"a": part(0.7, 300, 450, 300), "b": part(0.3, 250, 0, 1000)}
    manifest = manifest_of(parts=parts, kept=Tally(10, 0, 550), repeated=Tally(4, 0, 450))
    (content,) = mixture(manifest).values()
    found = json.loads(content)
    assert [(one["weight"], one["epochs"]) for one in found["parts"].values()] == [(0.75, 2.5), (0.25, 0.25)]
    assert (found["tokens"], found["fresh_tokens"], found["repeated_tokens"]) == (1000, 550, 450)
    assert mixture(manifest_of(parts={})) == {}
