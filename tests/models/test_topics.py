"""Topics of a corpus and their file."""

import io

import numpy as np
import pytest

from refinery.definition.trainings import TopicTraining
from refinery.errors import DefinitionError, InputError
from refinery.models.topics import fit, load_topics
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.models.domains import LAW, MEDICAL, OTHER, SOFTWARE, documents
from tests.models.test_topic_names import bucket_of

TRAINING = TopicTraining.model_validate({"from": "crawl", "clusters": 4})
KINDS = (MEDICAL, OTHER, LAW, SOFTWARE)


def texts_of(number: int, seed: int) -> TextBatch:
    """Documents of four kinds, in two scripts, prepared."""
    made = [documents(kind, number, seed, ". " if kind in KINDS[:2] else "。") for kind in KINDS]
    return prepare(TextBatch.from_texts([text for texts in made for text in texts]))


@pytest.fixture(scope="module")
def fitted():
    """A model of them, how many are of each topic, and names."""
    return fit(texts_of(40, 1), TRAINING)


def test_documents_of_a_kind_are_of_one_topic(fitted):
    """Those that the model has not seen too, in English and in Chinese; a text without a term is of none."""
    model, counts, names = fitted
    topics, cosines = model.assign(texts_of(20, 7))
    kinds = topics.reshape(4, 20)
    assert len({int(one) for one in kinds[:, 0]}) == 4 and (kinds == kinds[:, :1]).mean() > 0.95
    assert (cosines > 0.1).all() and sum(counts) == 160
    of_law = names[kinds[2, 0]]
    assert all(len(terms) > 2 for terms in names) and all(any(term in one for one in LAW) for term in of_law)
    topics, cosines = model.assign(prepare(TextBatch.from_texts(["", "zzz qqq"])))
    assert topics.tolist() == [-1, -1] and cosines.tolist() == [0, 0]


def test_the_same_texts_give_the_same_file(fitted, tmp_path):
    """Read again it says the same."""
    model, _, _ = fitted
    assert fit(texts_of(40, 1), TRAINING)[0].content() == model.content()
    (tmp_path / "model.npz").write_bytes(model.content())
    again = load_topics(tmp_path / "model.npz").assign(texts_of(5, 2))
    assert all(np.array_equal(a, b) for a, b in zip(again, model.assign(texts_of(5, 2)), strict=True))


def test_what_tells_no_documents_apart_is_no_term():
    """What most documents have, or most of those in other letters than Latin, and what fewer than three have."""
    latin = [f"everywhere {'oil crude' if n % 2 else 'wheat grain'} only{n}" for n in range(40)]
    han = [f"之{'药材' if n % 2 else '法律'}" for n in range(10)]
    training = TRAINING.model_copy(update={"clusters": 2})
    model, _, _ = fit(prepare(TextBatch.from_texts([*latin, *han])), training)
    terms = {
        word: bucket_of(word) in model.buckets
        for word in ("everywhere", "only7", "之", "oil", "wheat", "药", "法")
    }
    assert [word for word, is_term in terms.items() if is_term] == ["oil", "wheat", "药", "法"]


def test_too_few_documents_are_told():
    """With how many topics there could be."""
    with pytest.raises(
        DefinitionError, match="4 topics of 6 documents: only 1 differ in words that 3 of them have"
    ):
        fit(prepare(TextBatch.from_texts(["one text"] * 3 + ["a", "b", "c"])), TRAINING)


def test_fewer_documents_than_topics_are_told_with_the_number_needed():
    """Before anything is clustered."""
    with pytest.raises(
        DefinitionError, match="4 topics need at least 4 different documents, 3 are there: give"
    ):
        fit(prepare(TextBatch.from_texts(["one text", "another", "a third"])), TRAINING)


def saved(**arrays: np.ndarray) -> bytes:
    """A file of arrays; those of a small model unless given."""
    content = io.BytesIO()
    small = {
        "format": np.array([1, 20, 1024], np.int64),
        "buckets": np.array([3], np.uint32),
        "inverse": np.ones(1, np.float32),
        "centers": np.ones((1, 2), np.float32),
    }
    np.savez(content, **{**small, **arrays})
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a topic model"),
        (saved(format=np.array([2, 20, 1024], np.int64)), "another version"),
        (saved(centers=np.ones((2, 2), np.float32)), "centers are not finite numbers of terms"),
        (saved(centers=np.full((1, 2), np.nan, np.float32)), "centers are not finite numbers of terms"),
        (saved(buckets=np.array([1 << 20], np.uint32)), "centers are not finite numbers of terms"),
    ],
)
def test_other_files_are_refused(content, problem, tmp_path):
    """Empty, another version, other shapes, NaN, a bucket there is not; see test_npz."""
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(InputError, match=f"model.npz: .*{problem}"):
        load_topics(tmp_path / "model.npz")
