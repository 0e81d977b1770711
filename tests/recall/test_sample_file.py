"""The sample of seeds and pool, made by units of shards in memory."""

import sys
from pathlib import Path

import numpy as np
import pytest

from refinery.definition.trainings import RecallTraining
from refinery.errors import DefinitionError
from refinery.recall.account import read_account
from refinery.recall.counts import COUNTS, SampleCounts
from refinery.recall.makers import makers_of
from refinery.recall.sample_file import HEAD, SampleFile, read_sample
from refinery.text.batch import TextBatch
from refinery.text.features import features
from refinery.text.prepare import prepare
from tests.models.domains import MEDICAL, OTHER, documents
from tests.models.shards import TextShard, cut, run_here

TRAINING = RecallTraining(seeds=("seeds",), pool=("crawl",))
SEED_TEXTS = documents(MEDICAL, 40, 1)
POOL_TEXTS = [*documents(MEDICAL, 30, 2), *documents(OTHER, 170, 3)]


def sampled(
    folder: Path, seeds: list[TextShard], pool: list[TextShard], training: RecallTraining = TRAINING
) -> tuple[SampleFile, SampleCounts]:
    """What the first maker of recall writes."""
    made, work = folder / "made", folder / "work"
    made.mkdir(parents=True)
    work.mkdir()
    maker = makers_of("models.medical", training)["models.medical.sample"]
    maker.make({"seeds": seeds, "pool": pool}, run_here, made, work)
    return read_sample(made), read_account(SampleCounts, made / COUNTS)


def test_a_sample_has_all_that_rounds_look_at(tmp_path: Path) -> None:
    """Seeds first, then the pool, each in the order of hashes; features are those of the whole text."""
    found, counts = sampled(tmp_path, cut("seeds", SEED_TEXTS, 15), cut("crawl", POOL_TEXTS, 50, 51))
    about, texts = found.about, dict(enumerate(POOL_TEXTS))
    assert (
        found.sample.seed.sum() == counts.seeds == 40
        and counts.pool == 200 == len(found.sample.features) - 40
    )
    assert about["seed"].to_list() == [True] * 40 + [False] * 200
    assert about["hash"][:40].is_sorted() and about["hash"][40:].is_sorted()
    assert counts.languages == {"seeds": {"en": 40}, "pool": {"en": 200}}
    assert counts.entries == len(found.sample.features.buckets)
    row = 100
    text = texts[int(about["id"][row].removeprefix("crawl-"))]
    assert (about["source"][row], about["language"][row], about["head"][row]) == ("crawl", "en", text[:HEAD])
    one = features(prepare(TextBatch.from_texts([text])), pieces=True)
    here = slice(*found.sample.features.bounds[row : row + 2])
    assert np.array_equal(found.sample.features.buckets[here], one.buckets)
    assert np.array_equal(found.sample.features.counts[here], one.counts)


def test_copies_of_seeds_and_empty_documents_are_left_out_and_counted(tmp_path: Path) -> None:
    """A seed in other letters is the same; a seed that stands twice counts once."""
    seeds = [*SEED_TEXTS, SEED_TEXTS[0], SEED_TEXTS[1] + " Indeed."]
    pool = [*POOL_TEXTS, SEED_TEXTS[2].upper(), " ", "", POOL_TEXTS[0]]
    _, counts = sampled(tmp_path, cut("seeds", seeds), cut("crawl", pool))
    assert (counts.seeds, counts.pool, counts.copies, counts.empty) == (41, 201, 1, 2)
    assert counts.documents + counts.copies + counts.empty + 1 == len(seeds) + len(pool)


def test_a_sample_is_of_documents_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other shards in another order, and other slices, give the same bytes; no more is drawn than is wanted."""
    few = TRAINING.model_copy(update={"pool_documents": 100})
    found, counts = sampled(tmp_path / "1", cut("seeds", SEED_TEXTS), cut("crawl", POOL_TEXTS), few)
    monkeypatch.setattr(sys.modules[SampleFile.__module__], "_WRITE_ROWS", 7)
    sampled(tmp_path / "2", cut("seeds", SEED_TEXTS, 3, 9)[::-1], cut("crawl", POOL_TEXTS, 77)[::-1], few)
    assert (
        len(found.sample.features) == 140
        and counts.drawn[1].documents == 200
        and counts.drawn[1].drawn == 100
    )
    for name in ("sample.parquet", "sample.json"):
        assert (tmp_path / "1/made" / name).read_bytes() == (tmp_path / "2/made" / name).read_bytes()


def test_what_cannot_be_recalled_is_told_before_a_sample_is_there(tmp_path: Path) -> None:
    """Too few seeds, and a pool that is the seeds."""
    with pytest.raises(DefinitionError, match="19 different seeds"):
        sampled(tmp_path / "1", cut("seeds", SEED_TEXTS[:19]), cut("crawl", POOL_TEXTS))
    with pytest.raises(DefinitionError, match="40 of 40 documents of crawl are seeds"):
        sampled(tmp_path / "2", cut("seeds", SEED_TEXTS), cut("crawl", SEED_TEXTS))
    with pytest.raises(DefinitionError, match="no document comes from crawl"):
        sampled(tmp_path / "3", cut("seeds", SEED_TEXTS), [])
    assert not list((tmp_path / "1/made").iterdir())
