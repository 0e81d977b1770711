"""In how many documents of a source each line stands."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.filters import line_counts
from refinery.filters.line_counts import DOCUMENTS, FILE, LineCounts, least_stored, read_counted
from refinery.text.batch import TextBatch
from tests.dedup.corpus import backwards, in_order
from tests.text.test_repeated_lines import hash_of
from tests.text.test_visible_lines import lines_of


@dataclass(frozen=True)
class Texts:
    """A shard of texts, of which those at some positions do not arrive."""

    texts_: tuple[str, ...]
    absent: frozenset[int] = frozenset()

    @property
    def bytes(self) -> int:
        return sum(map(len, self.texts_))

    @property
    def arrived(self) -> int:
        return len(self.texts_) - len(self.absent)

    def arrives(self) -> np.ndarray:
        return np.array([n not in self.absent for n in range(len(self.texts_))], np.bool_)

    def texts(self, documents: np.ndarray) -> Iterator[TextBatch]:
        for few in np.array_split(documents, 2):
            yield TextBatch.from_texts([self.texts_[n] for n in few])


def count(folder: Path, shards: Sequence[Texts], map_units=in_order) -> Path:
    """The folder with the counts of shards."""
    (folder / "made").mkdir(parents=True)
    LineCounts().make({DOCUMENTS: shards}, map_units, folder / "made", folder / "work")
    return folder / "made"


def stored(made: Path) -> dict[int, int]:
    table = pq.read_table(made / FILE)
    hashes = table.column("hash").to_pylist()
    assert hashes == sorted(set(hashes))
    return dict(zip(hashes, table.column("documents").to_pylist(), strict=True))


def plain(texts: Sequence[str], least: int) -> dict[int, int]:
    """Counted a line at a time."""
    found = Counter(
        hash_of(line)
        for text in texts
        for line in set(lines_of(text))
        if any(char.isalpha() for char in line)
    )
    return {line: number for line, number in found.items() if number >= least}


TEXTS = st.lists(st.text(st.sampled_from("abc \n\n"), max_size=20), max_size=12)


@given(TEXTS, st.integers(1, 4), st.sampled_from([1, 3, 1 << 20]))
def test_counts_are_those_of_a_counter(tmp_path_factory, texts, shards, block):
    """However the documents are cut into shards and blocks."""
    cut = [Texts(tuple(texts[n::shards])) for n in range(shards)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_counts, "BLOCK_LINES", block)
        made = count(tmp_path_factory.mktemp("counts"), cut)
    assert stored(made) == plain(texts, 2)


def many(documents: int) -> list[str]:
    chosen = random.Random(7)
    return ["\n".join(f"line {int(chosen.paretovariate(0.4))}" for _ in range(20)) for _ in range(documents)]


def test_partitions_and_the_order_of_units_change_no_byte(tmp_path, monkeypatch):
    """Partitions are ranges of hashes, so the file ascends through all of them."""
    texts = many(3000)
    shards = [Texts(tuple(texts[n::5])) for n in range(5)]
    one = count(tmp_path / "one", shards)
    monkeypatch.setattr(line_counts, "partition_count", lambda *_: 16)
    other = count(tmp_path / "other", shards, backwards)
    assert (one / FILE).read_bytes() == (other / FILE).read_bytes()
    assert stored(one) == plain(texts, 2)
    assert len(stored(one)) > 100


def test_documents_that_do_not_arrive_are_not_counted(tmp_path):
    """Neither their lines nor they themselves, of which a share is taken."""
    made = count(tmp_path, [Texts(("a\nb", "a\nb", "a", "b"), frozenset({1, 3}))])
    assert stored(made) == {hash_of("a"): 2}
    assert len(read_counted(made / FILE).more_than(0.99, 2).hashes) == 1


def test_lines_are_frequent_above_the_share_and_from_the_least_documents_on(tmp_path):
    """a stands in 4 of 8 documents, b in 3, c in 2."""
    texts = ("a\nb\nc", "a\nb\nc", "a\nb", "a", "", "", "", "")
    file = count(tmp_path, [Texts(texts)]) / FILE
    a, b, c = map(hash_of, "abc")
    for share, least, expected in [
        (0.1, 2, {a, b, c}), (0.25, 2, {a, b}), (0.3, 2, {a, b}), (0.49, 2, {a}), (0.5, 2, set()), (0.1, 4, {a}),
        (0.1, 5, set()),
    ]:  # fmt: skip
        found = read_counted(file).more_than(share, least).hashes
        assert set(found.tolist()) == expected
        assert found.tolist() == sorted(expected)


def test_what_is_stored_is_enough_for_any_share_that_is_allowed():
    """A line that more than the least share holds stands in as many documents as a stored one."""
    for documents in (1, 2, 9_999, 10_000, 29_999, 30_000, 10**9 + 1):
        beyond = documents // line_counts.MOST_DOCUMENTS_A_LINE + 1
        assert least_stored(documents) <= max(beyond, 2)


def test_a_source_without_documents_has_no_lines(tmp_path):
    """And a source of blank ones."""
    assert stored(count(tmp_path / "none", [])) == {}
    assert stored(count(tmp_path / "blank", [Texts(("", "\n"))])) == {}
    assert len(read_counted(tmp_path / "none" / "made" / FILE).hashes) == 0


def test_a_damaged_count_is_not_read(tmp_path):
    """A line too many would go."""
    file = count(tmp_path, [Texts(("a", "a"))]) / FILE
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFile):
        read_counted(file)
