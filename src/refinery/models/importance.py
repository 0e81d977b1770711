"""DSIR's model of a target text and of raw text: how often each hashed n-gram occurs in either.

A document's importance is the log-ratio of its likelihood under both bags of n-grams:
`sum_j count_j * (log(p_target_j + 1e-8) - log(p_raw_j + 1e-8))` (Xie et al. 2023, arXiv 2302.03169; 1e-8 as in
p-lambda/dsir). No training loop and no negatives, but it sees only words, and grows with a document's length.

The file is an .npz of three arrays: `target` and `raw`, float64, probabilities of each bucket, and `format`, int64
[version]. It is read without pickle.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError
from refinery.models.model_file import read_once

BUCKETS = 10_000
FORMAT = 1  # raised when words, hashes or buckets change
_FLOOR = 1e-8
_MOST_BYTES = 1 << 27
_HINT = "make one with `refinery train importance`"


@dataclass(frozen=True)
class ImportanceModel:
    """Log-ratios by bucket: float64, read-only, finite."""

    weights: NDArray[np.float64]


def train_importance(
    positive: Sequence[str | Path],
    raw: Sequence[str | Path],
    out: Path,
    *,
    text: str = "text",
    buckets: int = BUCKETS,
) -> Path:
    """Counts hashed n-grams of a target and of raw text (Parquet or JSON Lines) and writes `out` (.npz) atomically.

    Raises InputError for text that cannot be read, DefinitionError when a side has no word.
    """
    from refinery.storage.commit import commit_bytes, make_directory

    arrays = {"format": np.array([FORMAT], np.int64)}
    for name, paths in (("target", positive), ("raw", raw)):
        counts = _count(paths, text, buckets)
        if counts.sum() == 0:
            raise DefinitionError(f"{name} text: no word in {', '.join(map(str, paths))}")
        arrays[name] = counts / counts.sum()
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    make_directory(out.parent)
    commit_bytes(out, content.getvalue())
    return out


def _count(paths: Sequence[str | Path], text: str, buckets: int) -> NDArray[np.int64]:
    from refinery.models.examples import read_texts
    from refinery.text.ngrams_hashed import weigh_ngrams
    from refinery.text.prepare import prepare

    counts = np.zeros(buckets, np.int64)
    weights = np.zeros(buckets)
    weights.flags.writeable = False
    for batch in read_texts(paths, text):
        words = prepare(batch)
        weigh_ngrams(
            words.data, words.offsets, weights, np.empty(len(words)), np.empty(len(words), np.int64), counts
        )
    return counts


def load_importance(path: Path, expected: str | None = None) -> ImportanceModel:
    """The model at `path`, read once a process; raises InputError, see model_file.read_once."""
    return read_once(
        "importance", path, lambda content, _: _parse(content[:_MOST_BYTES], str(path)), expected
    )


def _parse(content: bytes, place: str) -> ImportanceModel:
    from refinery.text.elementary import logs

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise InputError(
                    place, f"not an importance model: it unpacks to more than {_MOST_BYTES} bytes", _HINT
                )
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            target, raw, version = stored["target"], stored["raw"], stored["format"]
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy's parser of headers each raise what they like
        raise InputError(
            place, f"not an importance model: {str(error) or type(error).__name__}", _HINT
        ) from None
    if version.dtype != np.int64 or version.tolist() != [FORMAT]:
        raise InputError(place, "the importance model is of another version of refinery", _HINT)
    for name, array in (("target", target), ("raw", raw)):
        good = array.dtype == np.float64 and array.ndim == 1 and 0 < len(array) == len(target)
        if not good or not (np.isfinite(array).all() and (array >= 0).all() and abs(array.sum() - 1) < 1e-6):
            raise InputError(
                place, f"not an importance model: {name} are not probabilities of buckets", _HINT
            )
    weights = logs(target + _FLOOR) - logs(raw + _FLOOR)
    weights.flags.writeable = False
    return ImportanceModel(weights)
