"""mixture.json among an output's records: what a mix holds of each part, for whoever trains on it.

What is written is the mix already. A trainer that blends files of each part itself takes the weights: Megatron's
`--data-path` is weights and prefixes in turn (megatron/training/arguments.py), nanotron's `dataset_folder` and
`dataset_weights` are two lists (docs/nanoset.md), and `datasets.interleave_datasets` takes probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from refinery.run.manifest import Manifest, PartAccount
from refinery.storage.marks import MIXTURE


def mixture(manifest: Manifest) -> Mapping[str, str]:
    """The file by its name; none of an output that is not mixed."""
    if not manifest.parts:
        return {}
    total = sum(part.exposures for part in manifest.parts.values())
    content = {
        "pipeline": manifest.pipeline,
        "output": manifest.output,
        "tokens": total,
        "fresh_tokens": manifest.kept.tokens,
        "repeated_tokens": manifest.repeated.tokens,
        "parts": {name: _part(part, total) for name, part in manifest.parts.items()},
        "files": [file.path for file in manifest.files],
    }
    return {MIXTURE: orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"}


def _part(part: PartAccount, total: int) -> dict[str, object]:
    """Weights add up to 1 over the parts; epochs are of all that is there."""
    return {
        "weight": part.exposures / total if total else 0.0,
        "share": part.share,
        "tokens": part.exposures,
        "wanted_tokens": part.wanted,
        "fresh_tokens": part.kept.tokens,
        "repeated_tokens": part.repeated.tokens,
        "documents": part.kept.documents,
        "epochs": part.epochs,
        "largest_repeats": part.largest,
        "most_repeats": part.most_repeats,
        "there": {"documents": part.documents, "tokens": part.tokens, "held_out_tokens": part.held_out},
    }
