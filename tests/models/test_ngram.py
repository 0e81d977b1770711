"""The file of an n-gram model."""

from pathlib import Path

import numpy as np
import pytest

from refinery.errors import InputError
from refinery.models.ngram import PAGE, build_table, load_ngrams, parse
from refinery.models.ngram_counts import VALUE, adjusted_counts, values_of
from refinery.models.ngram_fit import count_in_memory, model_content
from refinery.text.batch import TextBatch
from refinery.text.buckets import ROOM
from refinery.text.ngram_model import ngram_rows

TEXTS = TextBatch.from_texts(["the patient was treated with aspirin", "the patient was seen", "血 压 高"])


@pytest.fixture(scope="module")
def content() -> bytes:
    """A model of two texts that are the same."""
    return count_in_memory([TEXTS, TEXTS], 3, 1)


def test_a_model_is_mapped_and_read_only(content: bytes, tmp_path: Path) -> None:
    """Of two texts that are alike both cross-entropies are; nothing can be written into the file."""
    path = tmp_path / "m.ngram"
    path.write_bytes(content)
    model = load_ngrams(path)
    bits, _ = model.cross_entropies(TEXTS)
    assert (model.texts, model.order, model.words) == (2, 3, 10)
    assert bits[0].tolist() == bits[1].tolist() and (bits > 0).all()
    assert isinstance(model.table.values, np.memmap) and not model.table.values.flags.writeable


def test_ngrams_in_any_order_are_the_same_file(content: bytes) -> None:
    """Whoever counted what, and whatever was counted of both texts together."""
    counted = adjusted_counts(ngram_rows(TEXTS, 3), 1)
    values = np.concatenate([values_of(*counted, text) for text in (1, 0)])
    shuffled = values[np.random.default_rng(1).permutation(len(values))]
    assert model_content(shuffled, [counted[2]] * 2) == content


def changed(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda _: b"", "not an n-gram model"),
        (lambda _: b"<html>" * 1000, "not an n-gram model"),
        (lambda c: changed(c, 7, b"9"), "another version"),
        (lambda c: c[:-4], "its head and its size do not agree"),
        (lambda c: changed(c, 8, b"\xff"), "its head and its size do not agree"),
        (lambda c: changed(c, 24, (1 << 40).to_bytes(8, "little")), "its head and its size do not agree"),
        (lambda c: changed(c, 24, (0).to_bytes(8, "little")), "its head and its size do not agree"),
        (lambda c: changed(c, len(c) - 4, np.float32(np.nan).tobytes()), "not all its numbers"),
        (lambda c: changed(c, len(c) - 4, np.float32(0).tobytes()), "not all its numbers"),
        (lambda c: changed(c, len(c) - 8, np.float32(-1).tobytes()), "not all its numbers"),
        (lambda c: changed(c, 64, np.float64(0).tobytes()), "not all its numbers"),
    ],
)
def test_other_files_are_refused(content: bytes, change, problem: str, tmp_path: Path) -> None:
    """Empty, HTML, another version, cut short, wrong sizes in the head, numbers that are no probabilities."""
    path = tmp_path / "m.ngram"
    path.write_bytes(change(content))
    with pytest.raises(InputError, match=f"m.ngram: .*{problem}"):
        load_ngrams(path)


def test_whatever_keys_a_file_has_a_search_ends(content: bytes) -> None:
    """With every place taken but those of the last bucket; one that leads out of the file is refused."""
    numbers = np.frombuffer(content, np.uint8).copy()
    sound = parse(numbers.copy(), "here").table
    entries = numbers[PAGE : PAGE + sound.entries.nbytes].view(np.uint32).reshape(sound.entries.shape)
    entries[:-1, :ROOM], entries[:-1, ROOM:] = 5, 1
    bits, _ = parse(numbers, "here").cross_entropies(TEXTS)
    assert np.isfinite(bits).all()
    for at in ((-1, 1), (0, ROOM)):
        before, entries[at] = int(entries[at]), 1 << 20
        with pytest.raises(InputError, match=r"here: .* lead out of it"):
            parse(numbers, "here")
        entries[at] = before


def test_values_that_many_share_stand_once(content: bytes) -> None:
    """Those of contexts, γ < 1, come last, in each group the most used first, whatever rounds to 1."""
    table = parse(np.frombuffer(content, np.uint8), "here").table
    is_context = (table.values[:, 1::2] < 1).any(axis=1)
    uses = np.bincount(table.entries[:, ROOM:].ravel(), minlength=len(table.values))[1:]
    assert len(np.unique(table.values, axis=0)) == len(table.values) < uses.sum()
    assert is_context.nonzero()[0].tolist() == list(range(table.contexts, len(table.values)))
    for group in (uses[: table.contexts - 1], uses[table.contexts - 1 :]):
        assert (np.diff(group) <= 0).all() and (group > 0).all()
    one = np.array([(7 << 32, 0.5, 0, 1), (7 << 32, 1.0, 1, 1)], VALUE)
    assert build_table(one, 1).contexts == 1
