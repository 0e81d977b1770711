"""Models, cards and tokenizers are data of strangers: whatever they hold, they are refused or they work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fasttext_models import SHAPES, model
from tests.faults.conftest import ERROR
from tests.models.cards import card
from tests.neural_models import Weights, graph

ROOT = Path(__file__).parents[2]


def importance(folder: Path) -> Path:
    """A small importance model."""
    from refinery.models.importance import train_importance
    from tests.cases import write_jsonl
    from tests.conftest import document

    for name, first in (("target", 0), ("raw", 50)):
        write_jsonl(folder / f"{name}.jsonl", [{"text": document(n)} for n in range(first, first + 10)])
    return train_importance([folder / "target.jsonl"], [folder / "raw.jsonl"], folder / "m.npz", buckets=500)


def ngram(folder: Path) -> Path:
    """A small n-gram model."""
    from refinery.models.ngram_fit import count_in_memory
    from refinery.text.batch import TextBatch
    from refinery.text.prepare import prepare
    from tests.conftest import document

    texts = prepare(TextBatch.from_texts([document(n) for n in range(10)]))
    (folder / "model.ngram").write_bytes(count_in_memory([texts, texts], 3, 1))
    return folder / "model.ngram"


def tokenizer(folder: Path) -> Path:
    """A small BPE tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from tests.conftest import document

    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    made.train_from_iterator([document(n) for n in range(20)], trainer)
    made.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def injected(kind: str, file: Path, seed: int, count: int) -> list[str]:
    """What came of each mutation; a process that dies is told as such."""
    command = [sys.executable, "-m", "tests.faults.hostile", kind, file, f"{seed}", f"{count}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120 + count)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, lines[-2:], done.stderr[-2000:])
    return lines[1::2]


@pytest.mark.parametrize("shape", SHAPES)
def test_fasttext_models(shape, times, seed, outcome):
    """Dense, quantised, pruned, with every loss."""
    found = injected("fasttext", model(shape), seed, len(times(150)))
    counted(found, "fastText model mutated", outcome)


def neural(folder: Path) -> Path:
    """A small ONNX model."""
    (folder / "model.onnx").write_bytes(graph(Weights(2)).SerializeToString())
    return folder / "model.onnx"


@pytest.mark.parametrize("kind", ["importance", "ngram", "card", "tokenizer", "onnx"])
def test_other_model_files(kind, tmp_path, times, seed, outcome):
    """Importance weights, n-grams, model cards, tokenizers, ONNX models."""
    makers = {"importance": importance, "ngram": ngram, "tokenizer": tokenizer, "onnx": neural}
    file = makers.get(kind, written_card)(tmp_path)
    counted(injected(kind, file, seed, len(times(300))), f"{kind} file mutated", outcome)


def written_card(folder: Path) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(card("0" * 32).model_dump(mode="json")))
    return path


def counted(found: list[str], fault: str, outcome) -> None:
    wrong = [(number, line) for number, line in enumerate(found) if line not in {"refused", "accepted"}]
    for line in found:
        outcome(fault, {"refused": ERROR, "accepted": "still a model"}.get(line, "wrong"))
    assert not wrong, f"{len(wrong)} of {len(found)}: {wrong[:3]}"
    assert "refused" in found
