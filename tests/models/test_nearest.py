import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.definition.trainings import NearestTraining
from refinery.errors import DefinitionError, InputError
from refinery.models.makers import maker_of
from refinery.models.nearest import COMMON, content, load_nearest
from refinery.text.batch import TextBatch
from refinery.text.features import Features, features
from refinery.text.prepare import prepare
from tests.models.domains import MEDICAL, OTHER, documents
from tests.models.shards import TextShard, cut, run_here

BITS = 10
WORDS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "心", "血", "g", "h"]), max_size=12).map(
        " ".join
    ),
    min_size=1,
    max_size=6,
)
SEEDS, RAW = documents(MEDICAL, 30, 1), documents(OTHER, 100, 2)
TRAINING = NearestTraining(positive=("seeds",), raw=("crawl",))


def prepared(texts: list[str]) -> TextBatch:
    return prepare(TextBatch.from_texts(texts))


def dense(found: Features) -> np.ndarray:
    """How often each document has each feature."""
    table = np.zeros((len(found), 1 << BITS))
    table[np.repeat(np.arange(len(found)), np.diff(found.bounds)), found.buckets] = found.counts
    return table


@given(seeds=WORDS, raw=WORDS, texts=WORDS)
def test_cosines_are_those_of_dense_rows(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[str], raw: list[str], texts: list[str]
) -> None:
    """Against NumPy: TF-IDF by the frequencies of ordinary text, what is common in it left out."""
    tables = [dense(features(prepared(side), BITS)) for side in (seeds, raw, texts)]
    having = (tables[1] > 0).sum(axis=0)
    inverse = np.where(having > COMMON * len(raw), 0, np.log((1 + len(raw)) / (1 + having)))
    rows = [np.where(t > 0, 1 + np.log(np.maximum(t, 1)), 0) * inverse for t in (tables[0], tables[2])]
    rows = [r / np.maximum(np.linalg.norm(r, axis=1, keepdims=True), 1e-12) for r in rows]
    expected = rows[1] @ rows[0].T
    file = tmp_path_factory.mktemp("nearest") / "model.npz"
    file.write_bytes(content(prepared(seeds), having.astype(np.int64), len(raw)))
    cosines, numbers = load_nearest(file).nearest(prepared(texts))
    assert np.allclose(cosines, expected.max(axis=1), atol=1e-5)
    for row, (cosine, number) in enumerate(zip(cosines, numbers, strict=True)):
        assert (number == -1) == (cosine == 0)
        assert number == -1 or expected[row, number] == pytest.approx(expected[row].max(), abs=1e-5)


def made(folder: Path, seeds: list[TextShard], raw: list[TextShard]) -> Path:
    for name in ("out", "work"):
        (folder / name).mkdir(parents=True)
    maker_of(TRAINING).make({"positive": seeds, "raw": raw}, run_here, folder / "out", folder / "work")
    return folder / "out"


def test_the_model_depends_on_documents_alone(tmp_path: Path) -> None:
    """Whatever the shards; repeats and texts without a word are no seeds; each seed has its line."""
    first = made(tmp_path / "a", cut("seeds", [*SEEDS, SEEDS[0], "..."]), cut("crawl", RAW))
    second = made(tmp_path / "b", cut("seeds", [*SEEDS, SEEDS[0], "..."], 3, 11), cut("crawl", RAW, 50)[::-1])
    for name in ("model.npz", "seeds.jsonl"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    lines = [json.loads(line) for line in (first / "seeds.jsonl").read_text().splitlines()]
    assert [line["seed"] for line in lines] == list(range(30)) and {line["source"] for line in lines} == {
        "seeds"
    }
    model = load_nearest(first / "model.npz")
    cosines, numbers = model.nearest(prepared([SEEDS[3], "what none of them says", ""]))
    assert cosines[0] == pytest.approx(1, abs=1e-5)
    assert prepared([SEEDS[3]]).to_arrow()[0].as_py().startswith(lines[numbers[0]]["text"][:200])
    assert numbers[2] == -1 and cosines[2] == 0


@pytest.mark.parametrize(
    ("seeds", "raw", "told"),
    [
        ([], RAW, "seeds: 0 documents, at least 20 are needed"),
        (["..."] * 20, RAW, "positive documents: none has a word"),
        (SEEDS, [], "raw documents: none has a word"),
    ],
)
def test_nothing_to_compare_with_is_told(tmp_path: Path, seeds: list[str], raw: list[str], told: str) -> None:
    """By the part that has no word."""
    with pytest.raises(DefinitionError, match=told):
        made(tmp_path, cut("seeds", seeds), cut("crawl", raw))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """Other bytes, another version, and an index that would lead a kernel astray."""
    good = content(prepared(SEEDS), np.ones(1 << BITS, np.int64), 10)
    file = tmp_path / "model.npz"
    file.write_bytes(good[:100])
    with pytest.raises(InputError, match="not a model of seeds"):
        load_nearest(file)
    file.write_bytes(good)
    arrays = dict(np.load(file))
    for broken, told in (
        ({"format": np.array([9, 30])}, "another version"),
        ({"seeds": arrays["seeds"] + 30}, "index is broken"),
        ({"starts": arrays["starts"][::-1]}, "index is broken"),
        ({"weights": arrays["weights"].astype(np.float64)}, "index is broken"),
    ):
        np.savez(file, **{**arrays, **broken})
        with pytest.raises(InputError, match=told):
            load_nearest(file)
