import json
from itertools import combinations
from pathlib import Path

import pytest

from refinery.definition.paths import ModelUse
from refinery.definition.trainings import RelevanceTraining
from refinery.errors import InputError
from refinery.filters.relevance import Settings, build
from refinery.models.train import train_relevance
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.fasttext_models import model, oracle, probabilities
from tests.models.domains import write_domains
from tests.udhr import SENTENCES


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder made by train_relevance."""
    folder = tmp_path_factory.mktemp("relevance")
    positive, negative = write_domains(folder)
    train_relevance([positive], [negative], folder / "medical", dim=8, buckets=20_000)
    return folder


def test_a_plain_model_is_scored_by_fasttexts_own_rules() -> None:
    """Text as it is, newlines as spaces: the probability that fastText gives the label."""
    path = model("two labels")
    texts = ["No one shall be\nheld, in SLAVERY", *SENTENCES.values()]
    for label in ("l1", "__label__l1"):
        measurer = build(Settings(model=path, label=label))
        scores = measurer(TextBatch.from_texts(texts))["relevance"].to_pylist()
        for text, score in zip(texts, scores, strict=True):
            assert score == pytest.approx(min(probabilities(path, text)["__label__l1"], 1), abs=1e-4)


def test_a_trained_model_prepares_texts_as_in_training(trained: Path) -> None:
    """The card says how; the score is fastText's on the prepared text."""
    measurer = build(Settings(model=trained / "medical"))
    texts = ["The PATIENT's blood-pressure: was treated.", "Wheat prices fell,\nTRADERS said."]
    scores = measurer(TextBatch.from_texts(texts))["relevance"].to_pylist()
    file = trained / "medical" / "model.bin"
    for words, score in zip(prepare(TextBatch.from_texts(texts)).to_arrow().to_pylist(), scores, strict=True):
        assert score == pytest.approx(probabilities(file, words)["__label__relevant"], abs=1e-4)
    assert scores[0] > 0.5 > scores[1]
    assert build(Settings(model=trained / "medical/model.bin")) == measurer


@pytest.mark.parametrize("text", ["", " \n ", "!!!"])
def test_a_text_without_words_scores_zero(trained: Path, text: str) -> None:
    """A row, no NaN."""
    assert build(Settings(model=trained / "medical"))(TextBatch.from_texts([text])).to_pylist() == [
        {"relevance": 0}
    ]


def test_label_words_in_a_text_do_no_harm(trained: Path) -> None:
    """A raw label twenty times over: the same score, with a card and without."""
    plain = build(Settings(model=model("two labels"), label="l1"))
    for measurer in (plain, build(Settings(model=trained / "medical"))):
        text = "The committee met with the engineers to look at the plans of the bridge. " * 5
        texts = [text, f"{measurer.label} " * 20 + text, text + f"\n{measurer.label}" * 20 + "\n"]
        scores = measurer(TextBatch.from_texts(texts))["relevance"].to_pylist()
        assert max(scores) - min(scores) <= 1e-6


def test_an_unknown_label_lists_the_models_labels(trained: Path) -> None:
    """With and without a label asked for."""
    path = model("two labels")
    with pytest.raises(InputError, match="set label to one of: l0, l1"):
        build(Settings(model=path))
    with pytest.raises(InputError, match=r"no label 'hq' .*: (relevant, other|other, relevant)"):
        build(Settings(model=trained / "medical", label="hq"))


def test_a_label_that_means_relevant_is_found(tmp_path: Path) -> None:
    """`hq` of a model without a card, as DCLM's has it."""
    import fasttext

    source = tmp_path / "train.txt"
    source.write_text("__label__hq good text here\n__label__cc bad spam there\n" * 30)
    fasttext.train_supervised(str(source), dim=4, bucket=100, thread=1, verbose=0).save_model(
        str(tmp_path / "d.bin")
    )
    assert build(Settings(model=tmp_path / "d.bin")).label == "__label__hq"
    assert oracle(tmp_path / "d.bin").predict("good text")[0] == ("__label__hq",)


def test_cards_and_models_that_do_not_belong_together_are_refused(trained: Path, tmp_path: Path) -> None:
    """A folder with another model's card, a card that is broken, one of a later version, no model at all."""
    content = json.loads((trained / "medical" / "card.json").read_text())
    (tmp_path / "model.bin").write_bytes(model("two labels").read_bytes())
    (tmp_path / "card.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="belongs to another model"):
        build(Settings(model=tmp_path))
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(InputError, match="not a usable model card"):
        build(Settings(model=tmp_path))
    (tmp_path / "model.bin").write_bytes((trained / "medical" / "model.bin").read_bytes())
    (tmp_path / "card.json").write_text(json.dumps(content | {"preparation": "words-9"}))
    with pytest.raises(InputError, match="'words-9', which this version does not know"):
        build(Settings(model=tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no model\.bin or model\.ftz"):
        build(Settings(model=tmp_path / "empty"))
    (tmp_path / "empty" / "model.npz").write_bytes(b"of recall")
    with pytest.raises(InputError, match=r"model\.npz: no card\.json of it lies beside it"):
        build(Settings(model=tmp_path / "empty"))


def test_a_model_that_is_still_to_be_made_can_be_planned_with(trained: Path) -> None:
    """Column, label and preparation are those that it will have; it is known by how it is made, later by content."""
    training = RelevanceTraining(positive=("seeds",), negative=("crawl",))
    planned = build(Settings(model=ModelUse(None, "medical", training)))
    made = build(Settings(model=ModelUse(trained / "medical", "medical", training)))
    assert planned.schema == made.schema
    assert (planned.label, planned.preparation) == (made.label, made.preparation)
    assert planned.models == made.models == ("medical",)
    assert planned.files == () and made.files == (trained / "medical" / "model.bin",)
    assert build(Settings(model=trained / "medical")).models == ()
    other = training.model_copy(update={"dim": 3})
    settings = [
        planned.settings,
        build(Settings(model=ModelUse(None, "medical", other))).settings,
        made.settings,
    ]
    assert all(one != two for one, two in combinations(settings, 2))
    assert made.settings == build(Settings(model=trained / "medical")).settings
    with pytest.raises(InputError, match="medical: the model is not made yet"):
        planned(TextBatch.from_texts(["text"]))
    with pytest.raises(InputError, match=r"medical: no label 'hq' .*: relevant, other"):
        build(Settings(model=ModelUse(None, "medical", training), label="hq"))
