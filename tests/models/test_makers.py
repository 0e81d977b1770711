"""Models made of the documents of stages and sources."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from refinery.definition.trainings import (
    ImportanceTraining,
    NearestTraining,
    NgramTraining,
    OneStep,
    RelevanceTraining,
    TermMining,
    TopicTraining,
)
from refinery.errors import DefinitionError
from refinery.filters import importance, relevance, terms
from refinery.models.card import Card, SourceCounts, resolve
from refinery.models.importance import train_importance
from refinery.models.makers import maker_of
from refinery.shuffle.units import MapUnits
from refinery.text.batch import TextBatch
from tests.models.domains import MEDICAL, OTHER, documents, write
from tests.models.shards import TextShard, cut, run_here

MEDICAL_TEXTS, OTHER_TEXTS = documents(MEDICAL, 150, 1), documents(OTHER, 250, 2)
SEEDS, CRAWL = cut("seeds", MEDICAL_TEXTS), cut("crawl", OTHER_TEXTS)
TRAIN = RelevanceTraining(positive=("seeds",), negative=("crawl",), dim=8, buckets=20_000)
WEIGH = ImportanceTraining(positive=("seeds",), raw=("crawl",))
MINE = TermMining(positive=("seeds",), negative=("crawl",))


def make(
    folder: Path,
    training: OneStep,
    first: list[TextShard] = SEEDS,
    second: list[TextShard] = CRAWL,
    map_units: MapUnits = run_here,
) -> Path:
    """The folder of a model."""
    maker = pickle.loads(pickle.dumps(maker_of(training)))
    out, work = folder / "made", folder / "work"
    out.mkdir(parents=True)
    work.mkdir()
    maker.make(dict(zip(maker.inputs, (first, second), strict=True)), map_units, out, work)
    return out


def card_of(folder: Path) -> Card:
    card = resolve(folder)[1]
    assert card
    return card


def test_a_trained_model_tells_a_domain_apart(tmp_path: Path) -> None:
    """Model and card, of what they were drawn, and nothing else; new documents are told apart."""
    made = make(tmp_path, TRAIN)
    assert sorted(path.name for path in made.iterdir()) == ["card.json", "card.md", "model.bin"]
    measurer = relevance.build(relevance.Settings(model=made))
    fresh = TextBatch.from_texts([*documents(MEDICAL, 50, 8), *documents(OTHER, 50, 9)])
    scores = measurer(fresh)["relevance"].to_numpy()
    card = card_of(made)
    assert card.suggested
    assert (scores[:50] >= card.suggested.threshold).mean() >= 0.9
    assert (scores[50:] < card.suggested.threshold).mean() >= 0.9
    assert card.sources == {"positive": ("seeds",), "negative": ("crawl",)}
    assert card.drawn == (
        SourceCounts(part="positive", source="seeds", documents=150, drawn=150),
        SourceCounts(part="negative", source="crawl", documents=250, drawn=250),
    )
    assert "| negative | crawl | 250 | 250 | 100.00% |" in (made / "card.md").read_text()
    told = maker_of(TRAIN).size({"positive": (150, 5e4), "negative": (250, 8e4)})
    assert told == pytest.approx((made / "model.bin").stat().st_size, rel=0.25)


def test_a_model_depends_on_documents_and_settings_alone(tmp_path: Path) -> None:
    """Other shards, in another order, give the same bytes; another seed, or one document less, gives others."""
    first = make(tmp_path / "1", TRAIN)
    second = make(
        tmp_path / "2", TRAIN, cut("seeds", MEDICAL_TEXTS, 3, 3, 90), cut("crawl", OTHER_TEXTS, 200)[::-1]
    )
    for name in ("model.bin", "card.json", "card.md"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    seeded = make(tmp_path / "3", TRAIN.model_copy(update={"seed": 2}))
    fewer = make(tmp_path / "4", TRAIN, cut("seeds", MEDICAL_TEXTS, dropped=frozenset({7})))
    models = [(folder / "model.bin").read_bytes() for folder in (first, seeded, fewer)]
    assert len(set(models)) == 3


def test_no_more_is_drawn_than_is_wanted(tmp_path: Path) -> None:
    """Of several sources in proportion; the card tells it."""
    training = TRAIN.model_copy(update={"positive_documents": 80, "negative_documents": 100})
    others = [*cut("crawl", OTHER_TEXTS[:50]), *cut("general", OTHER_TEXTS[50:], 100)]
    card = card_of(make(tmp_path, training, second=others))
    assert (card.positive.read, card.negative.read) == (80, 100)
    drawn = {found.source: (found.documents, found.drawn) for found in card.drawn}
    assert drawn["seeds"] == (150, 80)
    assert drawn["crawl"][0] == 50 and drawn["general"][0] == 200
    assert drawn["crawl"][1] + drawn["general"][1] == 100 and 8 <= drawn["crawl"][1] <= 32


def test_too_few_documents_are_told(tmp_path: Path) -> None:
    """Both classes, before a model is there."""
    with pytest.raises(DefinitionError) as caught:
        make(tmp_path, TRAIN, cut("seeds", MEDICAL_TEXTS[:5]), [])
    assert "positive examples" in str(caught.value) and "negative examples" in str(caught.value)
    assert list((tmp_path / "made").iterdir()) == [] and "both classes" not in str(caught.value)
    with pytest.raises(DefinitionError, match="150 texts stand in both, 0 positive ones and 250 neg"):
        make(tmp_path / "same", TRAIN, SEEDS, [*SEEDS, *CRAWL])


@pytest.mark.parametrize(
    "training",
    [
        WEIGH,
        MINE,
        NgramTraining(positive=("seeds",), raw=("crawl",)),
        NearestTraining(positive=("seeds",), raw=("crawl",)),
    ],
)
def test_too_few_seeds_are_refused(tmp_path: Path, training: OneStep) -> None:
    """Whatever is made of them; those of all sources count together."""
    with pytest.raises(DefinitionError, match=r"^seeds: 19 documents, at least 20 are needed: give more"):
        make(tmp_path / "1", training, cut("seeds", MEDICAL_TEXTS[:19]))
    assert list((tmp_path / "1" / "made").iterdir()) == []
    enough = [*cut("seeds", MEDICAL_TEXTS[:10]), *cut("more", MEDICAL_TEXTS[10:40])]
    assert list(make(tmp_path / "2", training, enough).iterdir())


def test_memory_of_the_fit_is_stated(tmp_path: Path) -> None:
    """The table of vectors twice, and the examples some times over."""
    stated = {}

    def map_units(name, function, units, /, *, memory=0):
        stated[name] = memory
        return run_here(name, function, units)

    make(tmp_path, TRAIN, map_units=map_units)
    text = sum(map(len, [*MEDICAL_TEXTS, *OTHER_TEXTS]))
    assert stated["fit"] >= 4 * text + 2 * 4 * 8 * 20_000
    assert list(stated) == [
        "draw positive", "end of positive", "draw negative", "end of negative", "read examples", "fit",
    ]  # fmt: skip


def test_importance_is_counted_in_units_as_it_is_in_one_place(tmp_path: Path) -> None:
    """The file that training on files of the same texts writes, however they are cut."""
    files = [write(tmp_path / "p.parquet", MEDICAL_TEXTS), write(tmp_path / "r.parquet", OTHER_TEXTS)]
    expected = train_importance([files[0]], [files[1]], tmp_path / "m.npz").read_bytes()
    made = make(tmp_path / "1", WEIGH, cut("seeds", MEDICAL_TEXTS, 10, 80), cut("crawl", OTHER_TEXTS, 99))
    assert sorted(path.name for path in made.iterdir()) == ["card.json", "card.md", "model.npz"]
    assert (made / "model.npz").read_bytes() == expected
    measurer = importance.build(importance.Settings(model=made))
    scores = measurer(TextBatch.from_texts([MEDICAL_TEXTS[0], OTHER_TEXTS[0]]))["importance"].to_numpy()
    assert scores[0] > 0 > scores[1]


def test_importance_counts_what_is_drawn(tmp_path: Path) -> None:
    """Of twenty documents each fewer n-grams are seen."""
    training = WEIGH.model_copy(update={"positive_documents": 20, "raw_documents": 20})
    seen = [
        np.count_nonzero(np.load(make(tmp_path / name, one) / "model.npz")["raw"])
        for name, one in (("few", training), ("all", WEIGH))
    ]
    assert 0 < seen[0] < seen[1]


def test_documents_without_a_word_are_told(tmp_path: Path) -> None:
    """Of either part."""
    with pytest.raises(DefinitionError, match=r"positive documents: none .*\nraw documents: none"):
        make(tmp_path, WEIGH, cut("seeds", ["", "!"] * 10), [])


def test_a_mined_lexicon_depends_on_documents_alone_and_tells_a_domain_apart(tmp_path: Path) -> None:
    """Whatever the shards; a readable file, which a measurer uses as it is, or as a lexicon of one's own."""
    made = make(tmp_path / "1", MINE)
    other = make(
        tmp_path / "2", MINE, cut("seeds", MEDICAL_TEXTS, 3, 90), cut("crawl", OTHER_TEXTS, 200)[::-1]
    )
    assert sorted(path.name for path in made.iterdir()) == ["card.json", "card.md", "terms.txt"]
    lexicon = (made / "terms.txt").read_bytes()
    assert lexicon == (other / "terms.txt").read_bytes()
    assert (
        lexicon.decode().startswith("# ") and "seeds, 150 documents, against crawl, 250" in lexicon.decode()
    )
    fresh = TextBatch.from_texts([*documents(MEDICAL, 20, 8), *documents(OTHER, 20, 9)])
    density = terms.build(terms.Settings(model=made))(fresh)["term_density"].to_numpy()
    assert density[:20].min() > 0.2
    assert density[20:].max() < 0.02
    own = terms.build(terms.Settings(file=str(made / "terms.txt")))(fresh)
    assert own["term_density"].to_numpy().tolist() == density.tolist()


def test_settings_name_no_inputs() -> None:
    """All else is part of what a model is made by."""
    settings = maker_of(TRAIN).settings
    assert (
        settings["dim"] == 8 and settings["held_out"] == "20%" and settings["negative_documents"] == 200_000
    )
    assert not {"positive", "negative"} & settings.keys()
    assert not {"positive", "raw"} & maker_of(WEIGH).settings.keys()
    assert not {"positive", "negative"} & maker_of(MINE).settings.keys()


def test_topics_are_the_same_however_documents_are_cut(tmp_path: Path) -> None:
    """Files, bytes and all; the card says what each is about; a copy of a document counts once."""
    training = TopicTraining.model_validate({"from": "crawl", "clusters": 2, "documents": 300})
    texts, made = [*MEDICAL_TEXTS, *OTHER_TEXTS], []
    for number, cuts in enumerate(((100,), (7, 130, 260))):
        out, work = tmp_path / str(number), tmp_path / f"work-{number}"
        out.mkdir()
        work.mkdir()
        maker = maker_of(training)
        maker.make({"from": cut("crawl", texts, *cuts)}, run_here, out, work)
        made.append({file.name: file.read_bytes() for file in sorted(out.iterdir())})
    assert made[0] == made[1] and list(made[0]) == ["card.md", "model.npz", "topics.json"]
    topics = json.loads(made[0]["topics.json"])
    assert [one["topic"] for one in topics] == [0, 1] and sum(one["documents"] for one in topics) == 300
    assert any("patient" in term for term in topics[1]["terms"])
    assert f"| 1 | {topics[1]['documents']} | " in made[0]["card.md"].decode()
    assert maker.settings == {"clusters": 2, "documents": 300, "seed": 1}
