"""An index over signatures finds what a comparison of all with all finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup.bands import LOOKUP_RECALL, recall, split_for_recall
from refinery.dedup.lookup import Index, redis_storage, sign
from refinery.dedup.minhash import MinHash
from refinery.errors import InputError, StorageError
from refinery.text.batch import TextBatch
from tests.conftest import document
from tests.dedup.corpus import pair

MINHASH = MinHash()
PAIRS = [pair(0.7 + 0.05 * (n % 7), 1000 * n) for n in range(70)]  # similarities from 0.7 to 1
SHORT = ["A few words.", "A FEW words", "other words"]
CORPUS = [one for one, _ in PAIRS] + SHORT[:1]
QUESTIONS = [other for _, other in PAIRS] + SHORT[1:]


def signed(texts):
    return sign(TextBatch.from_texts(texts), MINHASH)


def keys(count, start=0):
    return [b"%d" % number for number in range(start, start + count)]


def expected(threshold):
    """For each question the documents that agree with it in a whole band, or in all words, compared one by one."""
    bands, rows = split_for_recall(threshold, MINHASH.num_perm, LOOKUP_RECALL)
    signatures = [
        [None if s is None else np.frombuffer(s, "<u4") for s in signed(texts)["signature"].to_pylist()]
        for texts in (CORPUS, QUESTIONS)
    ]
    found = []
    for question, asked in zip(QUESTIONS, signatures[1], strict=True):
        mine = set()
        for number, (text, own) in enumerate(zip(CORPUS, signatures[0], strict=True)):
            same = text.lower().strip(".") == question.lower().strip(".")
            cut = [slice(band * rows, (band + 1) * rows) for band in range(bands)]
            if same or (
                own is not None and asked is not None and any((own[c] == asked[c]).all() for c in cut)
            ):
                mine.add(b"%d" % number)
        found.append(mine)
    return found


@pytest.fixture(params=["memory", "redis", "unix socket"])
def storage(request):
    """Each storage in turn."""
    if request.param == "memory":
        return {"type": "dict"}
    url = request.getfixturevalue("redis_url")
    if request.param == "redis":
        return redis_storage(url)
    import redis

    with redis.Redis.from_url(url) as client:
        socket = client.config_get("unixsocket")["unixsocket"]
        return redis_storage(f"unix://:{client.get_connection_kwargs()['password']}@{socket}?db=3")


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_candidates_are_those_of_a_comparison_of_all_with_all(storage, threshold):
    """A band or all words in common, no more and no less, in every storage of datasketch's that is there."""
    index = Index(MINHASH, threshold, storage, f"all{int(100 * threshold)}")
    for start in range(0, len(CORPUS), 30):
        batch = signed(CORPUS[start : start + 30])
        index.insert(keys(len(batch), start), batch)
    assert index.candidates(signed(QUESTIONS)) == expected(threshold)
    short = index.candidates(signed(SHORT[1:]))
    assert short == [{b"%d" % (len(CORPUS) - 1)}, set()]


def test_no_other_document_shares_a_bucket():
    """An index that is given only what `sharing` chooses answers as the whole one."""
    whole, chosen = Index(MINHASH, 0.8), Index(MINHASH, 0.8)
    strangers = CORPUS + [document(n) for n in range(200)]
    batch, asked = signed(strangers), signed(QUESTIONS)
    whole.insert(keys(len(batch)), batch)
    mask = whole.sharing(batch, asked)
    chosen.insert([key for key, mine in zip(keys(len(batch)), mask, strict=True) if mine], batch.filter(mask))
    assert chosen.candidates(asked) == whole.candidates(asked)
    assert 0 < mask.sum() < len(CORPUS)


def test_an_index_of_a_storage_is_there_for_the_next_process(redis_url):
    """Documents stay; whether all are in is known; what is put in twice is found once; other names are apart."""
    first = Index(MINHASH, 0.8, redis_storage(redis_url), "stays")
    batch = signed(CORPUS)
    first.insert(keys(len(batch)), batch)
    first.insert(keys(len(batch)), batch)
    assert not Index(MINHASH, 0.8, redis_storage(redis_url), "stays").is_whole
    first.finish()
    again = Index(MINHASH, 0.8, redis_storage(redis_url), "stays")
    assert again.is_whole
    assert again.candidates(signed(QUESTIONS)) == expected(0.8)
    for other in (
        Index(MINHASH, 0.8, redis_storage(redis_url), "another"),
        Index(MINHASH, 0.5, redis_storage(redis_url), "stays"),
    ):
        assert not other.is_whole
        assert other.candidates(signed(QUESTIONS)) == [set()] * len(QUESTIONS)


@given(st.floats(0.05, 1), st.integers(16, 256))
def test_bands_find_what_they_promise(threshold, num_perm):
    """At least 99 of 100 at the threshold wherever single rows can; no longer bands would."""
    bands, rows = split_for_recall(threshold, num_perm, LOOKUP_RECALL)
    assert 2 <= bands * rows <= num_perm
    assert bands >= 2
    assert rows == 1 or recall(threshold, bands, rows) >= 0.99
    if rows < num_perm // 2:
        assert recall(threshold, num_perm // (rows + 1), rows + 1) < 0.99


def test_a_server_that_is_not_there(redis_url):
    """Told in words, without the password."""
    gone = redis_url.rpartition(":")[0] + ":1/0"
    with pytest.raises(StorageError) as failed:
        Index(MINHASH, 0.8, redis_storage(gone)).is_whole  # noqa: B018
    assert "its-secret-word" not in str(failed.value)
    wrong = redis_url.replace("its-secret-word", "another-word")
    with pytest.raises(StorageError, match="does not answer") as failed:
        Index(MINHASH, 0.8, redis_storage(wrong)).is_whole  # noqa: B018
    assert "another-word" not in str(failed.value)
    with pytest.raises(InputError):
        redis_storage("redis://host:not-a-port/0")


def test_a_storage_whose_package_is_not_installed():
    """It says what to install."""
    with pytest.raises(InputError, match="pip install cassandra-driver"):
        Index(MINHASH, 0.8, {"type": "cassandra", "cassandra": {"seeds": ["127.0.0.1"]}})
