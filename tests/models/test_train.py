import json
from pathlib import Path

import numpy as np
import pytest

from refinery.errors import DefinitionError, InputError, OutputError
from refinery.filters.relevance import Settings, build
from refinery.models.card import Card
from refinery.models.card_text import warnings
from refinery.models.train import train_relevance
from refinery.text.batch import TextBatch
from tests.models.domains import LAW, MEDICAL, OTHER, SOFTWARE, documents, write, write_domains

SMALL = {"dim": 8, "buckets": 20_000}


def test_it_learns_a_domain_and_says_how_well(tmp_path: Path) -> None:
    """Unseen documents are told apart; the card has the numbers that the model really reaches."""
    positive, negative = write_domains(tmp_path)
    card = train_relevance([positive], [negative], tmp_path / "model", precision=0.95, **SMALL)
    measurer = build(Settings(model=tmp_path / "model"))
    fresh = [*documents(MEDICAL, 50, 8), *documents(OTHER, 50, 9)]
    scores = measurer(TextBatch.from_texts(fresh))["relevance"].to_numpy()
    kept = scores >= card.suggested.threshold
    assert kept[:50].mean() >= 0.9 and kept[50:].mean() <= 0.1
    assert card.suggested.precision >= 0.95 and card.average_precision > 0.95
    assert card.positive.read == 150 and card.negative.read == 250
    assert 20 <= card.positive.held_out <= 30 and sum(b.documents for b in card.calibration) == (
        card.positive.held_out + card.negative.held_out
    )
    assert Card.model_validate_json((tmp_path / "model" / "card.json").read_bytes()) == card
    text = (tmp_path / "model" / "card.md").read_text()
    assert f"relevance >= {card.suggested.threshold:.4f}" in text and "words-1" in text
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.json",
        "card.md",
        "model.bin",
    ]


def test_chinese_needs_no_segmenter(tmp_path: Path) -> None:
    """Law against software, text without one space."""
    positive = write(tmp_path / "law.parquet", documents(LAW, 120, 1, "。"))
    negative = write(tmp_path / "software.parquet", documents(SOFTWARE, 120, 2, "。"))
    train_relevance([positive], [negative], tmp_path / "zh", **SMALL)
    texts = ["人民法院依照法律规定独立行使审判权，不受干涉。", "程序在读取数据库时崩溃，内存不足。"]
    scores = build(Settings(model=tmp_path / "zh"))(TextBatch.from_texts(texts))["relevance"].to_pylist()
    assert scores[0] > 0.7 and scores[1] < 0.3


def test_the_same_examples_give_the_same_model(tmp_path: Path) -> None:
    """Byte for byte; another seed gives another one."""
    positive, negative = write_domains(tmp_path)
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        train_relevance([positive], [negative], tmp_path / name, seed=seed, **SMALL)
    content = [(tmp_path / name / "model.bin").read_bytes() for name in ("one", "two", "three")]
    assert content[0] == content[1] != content[2]
    cards = [(tmp_path / name / "card.json").read_bytes() for name in ("one", "two")]
    assert cards[0] == cards[1]


def test_json_lines_empty_repeated_and_contradictory_texts(tmp_path: Path) -> None:
    """Another column, globs, NULL and repeats dropped, texts of both classes dropped, all counted."""
    medical, other = documents(MEDICAL, 100, 1), documents(OTHER, 100, 2)
    lines = [json.dumps({"body": text}) for text in [*medical, *medical[:20], "", "both, of them"]]
    (tmp_path / "p-1.jsonl").write_text("\n".join(lines[:60]) + "\n")
    (tmp_path / "p-2.jsonl").write_text("\n".join(lines[60:]) + "\n")
    negative = write(tmp_path / "n.parquet", [*other, "Both of them!"], "body")
    card = train_relevance([tmp_path / "p-*.jsonl"], [negative], tmp_path / "m", text="body", **SMALL)
    assert (card.positive.read, card.positive.used, card.negative.used) == (122, 100, 100)
    assert card.contradictory == 1


def test_too_few_examples_are_refused_all_at_once(tmp_path: Path) -> None:
    """Both classes are named, with what is missing, before anything is written."""
    positive = write(tmp_path / "p.parquet", documents(MEDICAL, 12, 1))
    negative = write(tmp_path / "n.parquet", [documents(OTHER, 1, 2)[0]] * 300)
    with pytest.raises(DefinitionError) as caught:
        train_relevance([positive], [negative], tmp_path / "m", **SMALL)
    assert len(caught.value.problems) == 2
    assert "positive examples" in str(caught.value) and "negative examples" in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_some_texts_of_both_classes_are_told_with_what_is_missing(tmp_path: Path) -> None:
    """Where a few examples are left of a class that the other has nearly whole."""
    medical = documents(MEDICAL, 60, 1)
    positive, negative = write(tmp_path / "p.parquet", medical), write(tmp_path / "n.parquet", medical[5:])
    with pytest.raises(DefinitionError, match="55 texts stand in both, 5 positive ones and 0 negative ones"):
        train_relevance([positive], [negative], tmp_path / "m", **SMALL)
    write(tmp_path / "n.parquet", [*medical[5:], *documents(OTHER, 100, 2)])
    with pytest.raises(
        DefinitionError, match=r"positive examples: 5 different .* 55 texts that both classes have"
    ):
        train_relevance([positive], [negative], tmp_path / "m", **SMALL)


def test_classes_in_two_languages_are_warned_of(tmp_path: Path) -> None:
    """English against Chinese: the model would tell nothing else."""
    positive = write(tmp_path / "p.parquet", documents(MEDICAL, 100, 1))
    negative = write(tmp_path / "n.parquet", documents(LAW, 100, 2, "。"))
    card = train_relevance([positive], [negative], tmp_path / "m", **SMALL)
    (told,) = [one for one in warnings(card) if "language en" in one]
    assert "the negatives in zh" in told


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    """As for any source."""
    positive, negative = write_domains(tmp_path)
    with pytest.raises(InputError, match="nowhere"):
        train_relevance([tmp_path / "nowhere.parquet"], [negative], tmp_path / "m")
    with pytest.raises(InputError, match="body"):
        train_relevance([positive], [negative], tmp_path / "m", text="body")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be."""
    positive, negative = write_domains(tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        train_relevance([positive], [negative], tmp_path / "taken", **SMALL)


def test_training_again_replaces_the_model(tmp_path: Path) -> None:
    """The folder then holds the new model and its card, and nothing temporary."""
    positive, negative = write_domains(tmp_path)
    first = train_relevance([positive], [negative], tmp_path / "m", **SMALL)
    second = train_relevance([positive], [negative], tmp_path / "m", seed=5, **SMALL)
    assert first.model != second.model
    assert build(Settings(model=tmp_path / "m")).fingerprint == second.model
    assert len(list((tmp_path / "m").iterdir())) == 3
    assert np.isfinite(second.average_precision)
