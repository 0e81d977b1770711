import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.models import scorer
from refinery.text.batch import TextBatch
from tests.fasttext_models import model, oracle
from tests.text.fasttext_reference import phrase_grams, tokens, word_grams


def feature_count(text: str) -> int:
    """fastText's features of a text for the model "softmax" (word pairs, no character n-grams)."""
    known = set(oracle(model("softmax")).get_words())
    words = [token for token in tokens(text) if not token.startswith(b"__label__")]
    return sum(word.decode() in known for word in words) + len(phrase_grams(words, 2, 3000))


TEXTS = st.text(st.sampled_from("the law all no \n\tabé字</s>"), max_size=400)


@settings(max_examples=60)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), window=st.integers(1, 200))
def test_windows_add_up_to_the_document(texts: list[str], window: int) -> None:
    """However long they are: features and sums of all windows are those of the document in one window."""
    batch = TextBatch.from_texts(texts)
    for shape in ("softmax", "pruned hs"):
        found = scorer.load_scorer(model(shape))
        whole, cut = next(found._embed(batch, 1 << 30))[0], next(found._embed(batch, window))[0]
        for document, text in enumerate(texts):
            one, many = (slice(run.firsts[document], run.firsts[document + 1]) for run in (whole, cut))
            assert whole.counts[one].sum() == cut.counts[many].sum()
            assert np.allclose(whole.sums[one].sum(0), cut.sums[many].sum(0), atol=1e-3)
            assert whole.weights[one].sum() == cut.weights[many].sum()
            if shape == "softmax" and text.strip(" \n\r\t\v\f\0"):
                assert whole.counts[one].sum() == feature_count(text)


def test_windows_are_as_long_as_asked() -> None:
    """Cut at words, or inside a run without spaces, and a short rest stays with the last one."""
    batch = TextBatch.from_texts(["word " * 300, "字" * 500, "a" * 1500, "x " * 250])
    run = next(scorer.load_scorer(model("hs"))._embed(batch, 400))[0]
    windows = np.diff(run.firsts).tolist()
    assert windows == [4, 3, 3, 1]
    weights = run.weights[run.firsts[1] : run.firsts[2]]
    assert weights.sum() == 1500 and weights.min() >= 200 and weights.max() <= 800


def test_weights_are_bytes_of_letters() -> None:
    """ASCII letters, and whatever is not ASCII; digits, signs and spaces weigh nothing."""
    run = next(scorer.load_scorer(model("hs"))._embed(TextBatch.from_texts(["ab 12, é字!"]), 400))[0]
    assert run.weights.tolist() == [2 + 2 + 3]


def test_character_features_are_fasttexts() -> None:
    """Unknown words count their n-grams, known ones theirs and themselves, `</s>` only itself."""
    path = model("ova")
    known = set(oracle(path).get_words())
    text = "nobody zyxwv 字字 the"
    run = next(scorer.load_scorer(path)._embed(TextBatch.from_texts([text]), 400))[0]
    expected = 0
    for word in tokens(text):
        expected += word.decode() in known
        expected += len(word_grams(word, 2, 4, 3000)) if word != b"</s>" else 0
    assert run.counts.tolist() == [expected]
