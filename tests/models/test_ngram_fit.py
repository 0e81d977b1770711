"""N-gram models made over the shuffle."""

from functools import partial
from pathlib import Path

import pytest

from refinery.definition.trainings import NgramTraining
from refinery.errors import DefinitionError
from refinery.models import ngram_fit
from refinery.models.draw import draw
from refinery.models.makers import NgramMaker
from refinery.models.ngram import MODEL, NgramModel, load_ngrams
from refinery.models.ngram_record import RECORD, read_record
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.models.domains import LAW, MEDICAL, OTHER, SOFTWARE, documents
from tests.models.kneser_ney import KneserNey
from tests.models.shards import TextShard, cut, run_here

TRAINING = NgramTraining(positive=("seeds",), raw=("crawl",), order=4)
SEEDS, CRAWL = documents(MEDICAL, 150, 1), documents(OTHER, 250, 2) + documents(SOFTWARE, 50, 4, "。")


def make(folder: Path, training: NgramTraining, *inputs: list[TextShard]) -> Path:
    out, work = folder / "made", folder / "work"
    out.mkdir(parents=True)
    work.mkdir()
    maker = NgramMaker(training)
    maker.make(dict(zip(maker.inputs, inputs, strict=True)), run_here, out, work)
    return out


def test_a_model_of_units_is_that_of_one_place(tmp_path: Path) -> None:
    """However documents are cut into shards, and words and n-grams into partitions."""
    training = TRAINING.model_copy(update={"held_out": 0.0, "raw_documents": 500})
    texts = [prepare(TextBatch.from_texts(text)) for text in (SEEDS, CRAWL)]
    expected = ngram_fit.count_in_memory(texts, training.order, training.min_count)
    inputs = {"positive": cut("seeds", SEEDS, 20, 90), "raw": cut("crawl", CRAWL, 33)[::-1]}
    assert (make(tmp_path / "1", training, *inputs.values()) / MODEL).read_bytes() == expected
    found = draw(inputs, {"positive": 500, "raw": 500}, 1, run_here, tmp_path)
    counts = ngram_fit.counts_in(
        tmp_path, tuple(inputs), training.order, found, {"positive": 500, "raw": 500}, 1 << 16
    )
    assert counts.partitions > 2
    tallies, totals = ngram_fit.count_texts(counts, training, found.drawn, run_here)
    run_here("write", partial(ngram_fit.write_model, counts, training, tallies, totals), [tmp_path])
    assert (tmp_path / MODEL).read_bytes() == expected
    assert (tmp_path / RECORD).read_bytes() == (tmp_path / "1" / "made" / RECORD).read_bytes()


def test_held_out_documents_are_not_counted_and_judge_the_model(tmp_path: Path) -> None:
    """By the perplexity that the reference finds; the record says of what the model is."""
    made = make(
        tmp_path,
        TRAINING.model_copy(update={"held_out": 0.2, "raw_documents": 300}),
        cut("seeds", SEEDS),
        cut("crawl", CRAWL),
    )
    record, model = read_record(made), load_ngrams(made / MODEL)
    seeds, crawl = (record.texts[part] for part in ("positive", "raw"))
    assert seeds.documents + seeds.held_out == 150 and 10 <= seeds.held_out <= 50
    assert crawl.documents + crawl.held_out == 300
    assert record.auc and record.auc > 0.99 and not record.warning
    assert seeds.perplexity["positive"] < seeds.perplexity["raw"]
    assert crawl.perplexity["raw"] < crawl.perplexity["positive"]
    assert record.vocabulary == model.words
    assert [one.found >= one.kept for one in seeds.ngrams] == [True] * 4 and seeds.ngrams[1].kept > 100


def test_characters_are_the_words_of_chinese(tmp_path: Path) -> None:
    """A model of raw text alone, as the reference has it of characters."""
    texts = documents(LAW, 30, 1, "。")
    training = NgramTraining(raw=("crawl",), order=5).model_copy(update={"held_out": 0.0})
    model = load_ngrams(make(tmp_path, training, cut("crawl", texts, 7)) / MODEL)
    words = [text.split(" ") for text in prepare(TextBatch.from_texts(texts)).to_arrow().to_pylist()]
    fresh = prepare(TextBatch.from_texts(["人民法院在法律面前一律平等", "服务器"]))
    expected = KneserNey(words, 5, 2)
    bits, _ = model.cross_entropies(fresh)
    assert isinstance(model, NgramModel) and model.texts == 1
    assert bits[0].tolist() == pytest.approx(
        [expected.bits(text.split(" "), model.words + 1) for text in fresh.to_arrow().to_pylist()], rel=1e-5
    )


def test_documents_without_a_word_are_told(tmp_path: Path) -> None:
    """Of either text, by its part."""
    with pytest.raises(DefinitionError, match=r"positive documents: none .*\nraw documents: none"):
        make(tmp_path, TRAINING, cut("seeds", ["", "!"] * 10), [])


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, (150, 150)), ({"positive_documents": 60}, (60, 60)), ({"raw_documents": 200}, (150, 200)),
])  # fmt: skip
def test_as_many_ordinary_documents_are_drawn_as_of_the_domain(
    settings: dict[str, int], expected: tuple[int, int], tmp_path: Path
) -> None:
    """Unless the training says how many."""
    training = TRAINING.model_copy(update=settings)
    record = read_record(make(tmp_path, training, cut("seeds", SEEDS), cut("crawl", CRAWL, 99)))
    assert tuple(text.documents + text.held_out for text in record.texts.values()) == expected
