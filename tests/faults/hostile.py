"""Gives mutated model files to the code that reads them, in a process of its own with little memory: it may crash.

`python -m tests.faults.hostile KIND FILE SEED COUNT` prints a line for each mutation: what came of it.
"""

import random
import resource
import signal
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

INTEGERS = (0, 1, -1, 2, 3, 7, 255, 256, 4096, 2**15, 2**31 - 1, -(2**31), 2**30, 10**6)
LONG = (*INTEGERS, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63), 10**15, 10**18)
FLOATS = (float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e-45, 0.0)
MEMORY = 6 << 30  # address space; a process with the libraries loaded has about 3 GiB
SECONDS = 20
Check = Callable[[bytes], None]


def mutate(content: bytes, chosen: random.Random) -> bytes:
    """One to four changes: bits, numbers of every width, cuts, insertions, pieces moved or doubled."""
    data = bytearray(content)
    for _ in range(chosen.choice((1, 1, 1, 2, 4))):
        early = chosen.random() < 0.6  # headers lie there
        place = chosen.randrange(min(len(data), 1200) if early else len(data)) if data else 0
        kind = chosen.randrange(8)
        if kind == 0 and data:
            data[place] ^= 1 << chosen.randrange(8)
        elif kind == 1:
            data[place : place + 4] = struct.pack("<i", chosen.choice(INTEGERS))
        elif kind == 2:
            data[place : place + 8] = struct.pack("<q", chosen.choice(LONG))
        elif kind == 3:
            data[place : place + 4] = struct.pack("<f", chosen.choice(FLOATS))
        elif kind == 4:
            del data[chosen.randrange(len(data) + 1) :]
        elif kind == 5:
            data[place:place] = chosen.randbytes(chosen.randrange(1, 20))
        elif kind == 6:
            del data[place : place + chosen.randrange(1, 40)]
        else:
            size, source = chosen.randrange(1, 400), chosen.randrange(len(data) + 1)
            data[place : place + size] = data[source : source + size]
    return bytes(data)


def fasttext(content: bytes) -> None:
    """Parses, prepares and scores awkward texts."""
    from refinery.models import scorer
    from refinery.models.fasttext_file import parse_model

    found = scorer.prepare(parse_model(content, "hostile"), "key")
    groups = np.zeros(len(found.labels), np.int64)
    groups.flags.writeable = False
    labels, *columns = found.top(_texts(), groups, groups, 400)
    assert labels.min() >= -1 and labels.max() < len(found.labels)
    for values in (*columns, found.probability(_texts(), len(found.labels) - 1)):
        assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1


def importance(content: bytes) -> None:
    """Parses and weighs awkward texts."""
    from refinery.models.importance import _parse
    from refinery.text.ngrams_hashed import weigh_ngrams
    from refinery.text.prepare import prepare

    weights = _parse(content, "hostile").weights
    words = prepare(_texts())
    sums, grams = np.empty(len(words)), np.empty(len(words), np.int64)
    weigh_ngrams(words.data, words.offsets, weights, sums, grams, np.zeros(len(weights), np.int64))
    assert np.isfinite(sums).all()


def ngram(content: bytes) -> None:
    """Parses and scores awkward texts."""
    from refinery.models.ngram import parse
    from refinery.text.prepare import prepare

    bits, _ = parse(np.frombuffer(content, np.uint8), "hostile").cross_entropies(prepare(_texts()))
    assert np.isfinite(bits).all()


def card(content: bytes) -> None:
    """Reads a card beside a model."""
    from refinery.models.card import resolve

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.bin").write_bytes(b"model")
        Path(folder, "card.json").write_bytes(content)
        resolve(Path(folder, "model.bin"))


def tokenizer(content: bytes) -> None:
    """Loads a tokenizer and counts with it."""
    from refinery.filters import token_count

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizer.json").write_bytes(content)
        found = token_count.build(token_count.Settings(tokenizer=Path(folder, "tokenizer.json")))
        found(_texts())


def onnx(content: bytes) -> None:
    """Finds the files that hold a model's weights."""
    from refinery.models.onnx_file import outside

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.onnx").write_bytes(content)
        outside(Path(folder, "model.onnx"))


CHECKS: dict[str, Check] = {
    "fasttext": fasttext,
    "importance": importance,
    "ngram": ngram,
    "card": card,
    "tokenizer": tokenizer,
    "onnx": onnx,
}


def _texts():  # type: ignore[no-untyped-def]
    from refinery.text.batch import TextBatch

    return TextBatch.from_texts(
        ["", "The patient was treated.", "字" * 300, "a " * 900, "x" * 3000, "__label__l1 </s> \0 \u2028 ع"]
    )


def main(kind: str, file: Path, seed: str, count: int) -> None:
    """Mutation after mutation; only refinery's own errors are expected."""
    from refinery.errors import DefinitionError, InputError

    content = file.read_bytes()
    CHECKS[kind](content)  # kernels are compiled before memory is short
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in range(count):
        told(f"mutation {number}")
        signal.alarm(SECONDS)
        try:
            CHECKS[kind](mutate(content, random.Random(f"{seed} {kind} {number}")))
            told("accepted")
        except (InputError, DefinitionError):
            told("refused")
        except BaseException as error:
            told(f"wrong {type(error).__mro__} {error!r}"[:500])
        signal.alarm(0)


def told(line: str) -> None:
    sys.stdout.write(line.replace("\n", " ") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
