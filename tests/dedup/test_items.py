"""Protected texts as items: which there are, and that they are read as they were written."""

import numpy as np
import pytest

from refinery.dedup import items as items_module
from refinery.dedup.items import most_uncommon, read_items, write_items
from refinery.definition.protections import Overlap
from refinery.text import overlap
from tests.dedup.corpus import write_shard

LONG = "Which of the following vessels carries blood from the lungs to the left atrium"


@pytest.fixture
def shards(tmp_path):
    """Two columns of a benchmark."""
    questions = [LONG, "下列哪一项是中华人民共和国的根本大法", LONG.upper() + "?", "?!"]
    answers = ["Pulmonary vein.", "宪法", "one two three four five six seven eight"]
    written = [write_shard(tmp_path / str(n), texts) for n, texts in enumerate((questions, answers))]
    return [(written[0].documents, 0), (written[1].documents, 4)]


def test_each_text_is_one_item_if_it_is_long_enough(shards, tmp_path):
    """Equal key texts are the first one, short ones are counted by shard, a text without words is none."""
    assert write_items(Overlap(), tmp_path / "items", shards) == (3, [0, 2])
    items = read_items(tmp_path / "items")
    texts = [
        items.data[a:b].tobytes().decode() for a, b in zip(items.offsets, items.offsets[1:], strict=False)
    ]
    assert texts == [
        LONG.lower(),
        "下列哪一项是中华人民共和国的根本大法",
        "one two three four five six seven eight",
    ]
    assert items.documents.tolist() == [0, 1, 6]
    assert np.diff(items.firsts).tolist() == [len(LONG.split()) - 5, 1, 1]


def test_items_of_a_store_are_those_of_a_disk(shards, tmp_path, monkeypatch):
    """Mapped or read as a whole, every array is the same, and none can be written to."""
    write_items(Overlap(), tmp_path / "items", shards)
    mapped = read_items(tmp_path / "items")
    monkeypatch.setattr(items_module, "Path", type(None))
    monkeypatch.setattr(items_module, "read_file", lambda place: place.read_bytes())
    read = read_items(tmp_path / "items")
    assert read is not mapped
    for one, other in zip(mapped, read, strict=True):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()
        assert not (one.flags.writeable or other.flags.writeable)


def test_nothing_is_written_without_an_item(tmp_path):
    """Of texts that are all too short."""
    shard = write_shard(tmp_path / "0", ["yes", "no"]).documents
    assert write_items(Overlap(), tmp_path / "items", [(shard, 0)]) == (0, [2])
    assert not (tmp_path / "items").exists()


def test_an_n_gram_of_megabytes_says_nothing(shards, tmp_path, monkeypatch):
    """It is longer than a number of its size holds."""
    monkeypatch.setattr(overlap, "SIZE_MASK", 38)
    write_items(Overlap(), tmp_path / "items", shards)
    items = read_items(tmp_path / "items")
    assert ((items.grams == overlap.COMMON) == (items.sizes > 38)).all()
    assert 0 < (items.sizes > 38).sum() < len(items.sizes)


def test_most_documents_are_a_share_and_ten():
    """Of a source of which few arrive ten, of another the share; all where nothing is common."""
    arrived = np.array([5, 50_000])
    assert most_uncommon(Overlap(), arrived).tolist() == [10, 50]
    assert most_uncommon(Overlap(common=None), arrived).tolist() == [5, 50_000]
