import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts
from refinery.text.shingles import BLOCK, sets_of_keys, shingle_sets, shingles_of_keys
from tests.text.test_fold import ALPHABET, MARK, UNSPACED

MASK = 2**64 - 1


def tokens_of(key: str) -> list[tuple[str, bool]]:
    """(token, is it a word) of a key text, by the definition in refinery.text.shingles."""
    found: list[tuple[str, bool]] = []
    joined = False
    for char in key:
        if char == " ":
            joined = False
        elif UNSPACED.match(char) and not MARK.match(char):
            found.append((char, False))
            joined = False
        elif MARK.match(char) or joined:
            found[-1] = (found[-1][0] + char, found[-1][1])
        else:
            found.append((char, True))
            joined = True
    return found


def reference(text: str, words: int, chars: int) -> list[tuple[str, ...]]:
    """The shingles of a text as tuples of tokens, in order."""
    tokens = tokens_of(key_texts(TextBatch.from_texts([text])).to_arrow()[0].as_py())
    found = []
    for start in range(len(tokens)):
        weight = 0
        for stop in range(start, len(tokens)):
            weight += chars if tokens[stop][1] else words
            if weight >= words * chars:
                found.append(tuple(token for token, _ in tokens[start : stop + 1]))
                break
    return found


def sizes(*texts: str, words: int = 5, chars: int = 8) -> list[int]:
    bounds = shingle_sets(TextBatch.from_texts(texts), words, chars)[1]
    return (bounds[1:] - bounds[:-1]).tolist()


@given(
    st.lists(st.text(st.sampled_from(ALPHABET + "abc de 中文字 中文"), max_size=60), max_size=4),
    st.integers(1, 6),
    st.integers(1, 9),
)
def test_sets_have_one_hash_for_each_different_shingle(texts, words, chars):
    """The kernel's sets and the reference's are in bijection: as many elements, shared by the same documents."""
    hashes, bounds = shingle_sets(TextBatch.from_texts(texts), words, chars)
    found = [hashes[bounds[i] : bounds[i + 1]].tolist() for i in range(len(texts))]
    expected = [set(reference(text, words, chars)) for text in texts]
    for own, theirs in zip(found, expected, strict=True):
        assert own == sorted(set(own))
        assert len(own) == len(theirs)
    for i in range(len(texts)):
        for j in range(i):
            assert len(set(found[i]) & set(found[j])) == len(expected[i] & expected[j])


@given(st.text(st.sampled_from(ALPHABET + "abc de 中文字 中文"), max_size=60), st.integers(1, 9))
def test_by_letters_every_text_has_runs_of_letters_and_characters(text, chars):
    """As many different ones as in plain Python, wherever words end; a mark belongs to its letter."""
    keys = key_texts(TextBatch.from_texts([text]))
    letters: list[str] = []
    for char in keys.to_arrow()[0].as_py().replace(" ", ""):
        if MARK.match(char):
            letters[-1] += char
        else:
            letters.append(char)
    expected = {tuple(letters[n : n + chars]) for n in range(len(letters) - chars + 1)}
    found, _ = sets_of_keys(keys, 5, chars, letters=True)
    assert len(found) == len(expected)


def test_shingles_in_order_have_their_repeats():
    """Of one word each they are the words, the same hash wherever one stands."""
    keys = key_texts(TextBatch.from_texts(["one two one 三 two", "two"]))
    hashes, bounds = shingles_of_keys(keys, 1, 1)
    one, two, again, three, last, alone = hashes[: bounds[-1]].tolist()
    assert bounds.tolist() == [0, 5, 6]
    assert (one, two, two) == (again, last, alone)
    assert len({one, two, three}) == 3


def test_spaced_text_has_word_shingles_and_unspaced_text_character_shingles():
    """Five words, eight characters; one less is shorter than a shingle."""
    assert sizes("a b c d", "a b c d e", "a b c d e f") == [0, 1, 2]
    assert sizes("一二三四五六七", "一二三四五六七八", "一二三四五六七八九") == [0, 1, 2]
    assert sizes("กขคงจฉช", "กขคงจฉชซ", "กำขคงจฉช") == [0, 1, 1]


def test_mixed_text_has_shingles_of_words_and_characters_by_weight():
    """Three words and four characters weigh one shingle; an English name does not break a Chinese sentence."""
    assert sizes("a b c 一二三四", "a b c 一二三", "一二三四五六 Aspirin") == [1, 0, 0]
    assert sizes("患者服用Aspirin治疗三周之后") == [4]


def test_position_in_the_batch_and_length_do_not_matter():
    """A document longer than a block has the shingles of its parts, wherever it stands in a batch."""
    numbers = [str(n) for n in range(3 * BLOCK)]
    long, part = " ".join(numbers), " ".join(numbers[2 * BLOCK - 7 :])
    hashes, bounds = shingle_sets(TextBatch.from_texts(["x y", long, "z", part]), 5, 8)
    sets = [set(hashes[bounds[i] : bounds[i + 1]].tolist()) for i in range(4)]
    assert [len(s) for s in sets] == [0, 3 * BLOCK - 4, 0, BLOCK + 3]
    assert sets[3] < sets[1]


@pytest.mark.parametrize("text", ["wordwordw" * 50, "я" * 500, "a" * 8, "é" * 9])
def test_words_of_any_length_are_one_token(text):
    """Words longer than the eight bytes that are read at once, in ASCII and beyond it."""
    one, other = " ".join([text] * 5), " ".join([text] * 4 + [text + "a"])
    assert sizes(one, other) == [1, 1]
    assert len(set(shingle_sets(TextBatch.from_texts([one, other]), 5, 8)[0].tolist())) == 2


def test_hashes_are_pinned():
    """Hashes are stored in signatures: a change of them needs a new version of the measurer."""
    hashes, _ = shingle_sets(
        TextBatch.from_texts(["The quick brown fox, jumps!", "中华人民共和国公民"]), 5, 8
    )
    assert hashes.tolist() == [17897986642504243953, 3522298601623610745, 14422740628094938390]
