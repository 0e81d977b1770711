"""fastText itself is the oracle: the same label and probability for every kind of model and text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.models import model_file, scorer
from refinery.text.batch import TextBatch
from tests.fasttext_models import SHAPES, model, probabilities
from tests.udhr import SENTENCES

ODD = [
    "", " ", "\n\n", "</s>", "a </s> b c", "x</s>", "__label__l1", "__label__l1 the", "__label__nosuch everyone",
    "a\x00b\x0bc\x0cd\re", "\u200b\u00a0\u3000", "é" * 500, "字" * 700, "no one " * 400, "a" * 5000,
    "\U0001f600 \U0001f468\u200d\U0001f469 ok", "tab\tand\nnewline\r\nend\n", "< > <> <a> >", "NO ONE SHALL",
    "ا" * 63 + " " + "b" * 64 + " " + "c" * 65 + " " + "d" * 191 + " " + "é" * 97,
]  # fmt: skip


def groups(found: scorer.Scorer) -> np.ndarray:
    numbers = np.arange(len(found.labels), dtype=np.int64)
    numbers.flags.writeable = False
    return numbers


def check(shape: str, texts: list[str]) -> None:
    """Asserts what the oracle says for each text: top label unless two are equally good, and all probabilities."""
    path = model(shape) if shape in SHAPES else model_file.BUILT_IN
    found = scorer.load_scorer(path)
    batch = TextBatch.from_texts(texts)
    labels, scores, _, _ = found.top(batch, groups(found), groups(found), 400)
    expected = [probabilities(path, text) if text.strip(" \n\r\t\v\f\0") else {} for text in texts]
    for text, label, score, wanted in zip(texts, labels, scores, expected, strict=True):
        if not wanted:
            assert (label, score) == (-1, 0), text
            continue
        best = max(wanted.values())
        assert abs(score - min(best, 1)) <= 1e-4, text
        assert wanted[found.labels[label]] >= best - 2e-6, text
    for number in range(min(len(found.labels), 3)):
        name = found.labels[number]
        for text, score, wanted in zip(texts, found.probability(batch, number), expected, strict=True):
            # A label that fastText's tree search cuts off below 1e-5 is not among its answers.
            assert abs(score - min(wanted.get(name, 0.0), 1)) <= 1e-4, (text, name)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_kind_of_model_scores_as_fasttext(shape: str) -> None:
    """Losses, dimensions, n-grams, quantisation and pruning, on sentences of 50 languages and on odd texts."""
    check(shape, [*SENTENCES.values(), *ODD, " ".join(SENTENCES.values()), "\n".join(SENTENCES.values())])


def test_the_shipped_model_scores_as_fasttext() -> None:
    """lid.176 is a tree with quantised rows and a pruned index."""
    cut = [sentence[: 3 + 7 * n] for n, sentence in enumerate(SENTENCES.values())]
    check("lid.176", [*SENTENCES.values(), *ODD, *cut, " ".join(SENTENCES.values())])


ALPHABET = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("  \n\tabcé字ا</s>_l"))


@pytest.mark.parametrize(
    "shape", ["softmax", "pruned", "hs", "two labels", "two labels, no words", "lid.176"]
)
@settings(max_examples=60)
@given(texts=st.lists(st.text(ALPHABET, max_size=120), min_size=1, max_size=5))
def test_random_unicode_scores_as_fasttext(shape: str, texts: list[str]) -> None:
    """Any text, any script."""
    check(shape, texts)


@pytest.mark.parametrize("shape", ["pruned", "two labels", "lid.176"])
def test_a_document_scores_the_same_in_any_company(shape: str) -> None:
    """Bit for bit: what was remembered from other documents, or where a batch was cut, does not matter."""
    found = scorer.load_scorer(model(shape) if shape in SHAPES else model_file.BUILT_IN)
    texts = [*SENTENCES.values(), *ODD] * 40 + [f"word{n} und{n * 7} ganz{n * 3}" * 9 for n in range(3000)]
    together = found.top(TextBatch.from_texts(texts), groups(found), groups(found), 400)
    for start in (0, 17, 2500, 4000):
        alone = found.top(TextBatch.from_texts(texts[start : start + 9]), groups(found), groups(found), 400)
        for one, all_of_them in zip(alone, together, strict=True):
            assert one.tobytes() == all_of_them[start : start + 9].tobytes()


@pytest.mark.parametrize("shape", ["softmax", "hs", "ova", "lid.176"])
def test_a_group_has_the_sum_of_its_labels(shape: str) -> None:
    """As fastText's own probabilities add up, at most 1; a label alone has its own."""
    path = model(shape) if shape in SHAPES else model_file.BUILT_IN
    found = scorer.load_scorer(path)
    near = np.arange(len(found.labels), dtype=np.int64) // 3
    near.flags.writeable = False
    texts = list(SENTENCES.values())
    labels, _, _, group_scores = found.top(TextBatch.from_texts(texts), groups(found), near, 400)
    for text, label, score in zip(texts, labels, group_scores, strict=True):
        members = found.labels[label // 3 * 3 : label // 3 * 3 + 3]
        wanted = sum(probabilities(path, text).get(name, 0.0) for name in members)
        assert score == pytest.approx(min(wanted, 1), abs=2e-4), text


def test_shares_tell_mixed_documents() -> None:
    """Windows of another language lower the share; a table of numbers hardly does."""
    found = scorer.load_scorer(model_file.BUILT_IN)
    english, russian = SENTENCES["eng"] + " ", SENTENCES["rus"] + " "
    texts = [
        english * 20,
        english * 20 + russian * 10,
        english * 20 + "17 3.5 | " * 200,
        english,
        russian * 9,
    ]
    shares = found.top(TextBatch.from_texts(texts), groups(found), groups(found), 400).share
    assert shares[0] == 1 and shares[3] == 1 and shares[4] == 1
    bytes_of = [len((english * 20).encode()), len((russian * 10).encode())]
    expected = max(bytes_of) / sum(bytes_of)
    assert abs(shares[1] - expected) < 0.12
    assert shares[2] > 0.95


def test_words_that_look_like_labels_change_nothing() -> None:
    """Twenty copies of a label in the text: the same score, to the last bit."""
    found = scorer.load_scorer(model("two labels"))
    for sentence in SENTENCES.values():
        batch = TextBatch.from_texts([sentence, sentence + " __label__l1" * 20])
        plain, labelled = found.probability(batch, 1)
        assert plain == labelled


def test_a_model_is_loaded_once_for_each_content(tmp_path) -> None:
    """Two paths, one content: one object; a file that changed is another model, and a stale handle says so."""
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(model("softmax").read_bytes())
    second.write_bytes(model("softmax").read_bytes())
    assert scorer.load_scorer(first) is scorer.load_scorer(second)
    key = scorer.load_scorer(first).fingerprint
    first.write_bytes(model("hs").read_bytes())
    assert scorer.load_scorer(first) is not scorer.load_scorer(second)
    assert scorer.load_scorer(second, key).fingerprint == key
