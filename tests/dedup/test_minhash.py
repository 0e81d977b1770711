import random

import numpy as np
from datasketch import MinHash as Oracle
from datasketch import MinHashLSH

from refinery.dedup.minhash import MinHash
from refinery.text.batch import TextBatch
from refinery.text.shingles import shingle_sets
from tests.conftest import chinese_document, document


def oracle(hashes: list[int], num_perm: int, seed: int) -> Oracle:
    sketch = Oracle(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=int)
    sketch.update_batch(hashes)
    return sketch


def texts() -> list[str]:
    chosen = random.Random(1)
    found = [document(n, chosen.randrange(1, 40)) for n in range(1500)]
    found += [chinese_document(n, chosen.randrange(1, 20)) for n in range(500)]
    return [*found, "", "too short", "exactly five words are here", " ".join(map(str, range(5000)))]


def test_signatures_are_datasketchs_bit_for_bit():
    """On two thousand documents, English and Chinese, short and long, as stored: little-endian uint32."""
    batch = TextBatch.from_texts(texts())
    hashes, bounds = shingle_sets(batch, 5, 8)
    for num_perm, seed in ((112, 1), (13, 7)):
        found = MinHash(num_perm=num_perm, seed=seed)(batch).column("signature").to_pylist()
        for i, stored in enumerate(found):
            own = (hashes[bounds[i] : bounds[i + 1]] & np.uint64(0xFFFFFFFF)).tolist()
            if not own:
                assert stored is None
            else:
                assert stored == oracle(own, num_perm, seed).hashvalues.astype("<u4").tobytes()


def test_shingles_are_counted_and_short_documents_have_no_signature():
    """NULL and 0 where a document is shorter than one shingle; repeats are counted."""
    batch = TextBatch.from_texts(["a b c d", "a b c d e", "a " * 20, "", "!?"])
    measured = MinHash()(batch)
    assert measured.column("shingles").to_pylist() == [0, 1, 16, 0, 0]
    assert [value is None for value in measured.column("signature").to_pylist()] == [
        True,
        False,
        False,
        True,
        True,
    ]
    assert measured.schema == MinHash().schema


def test_stored_signatures_work_in_datasketchs_index():
    """A stored signature goes into MinHashLSH as it is and finds its near copy."""
    one, other = document(1, 30), document(1, 30) + " And a few words more."
    stored = MinHash()(TextBatch.from_texts([one, other, document(2, 30)])).column("signature").to_pylist()
    sketches = [Oracle(hashvalues=np.frombuffer(value, "<u4"), scheme="affine32") for value in stored]
    index = MinHashLSH(threshold=0.8, num_perm=112)
    index.insert("one", sketches[0])
    assert index.query(sketches[1]) == ["one"]
    assert index.query(sketches[2]) == []


def test_order_and_batching_change_no_signature():
    """A document has one signature wherever it stands."""
    documents = texts()[:50]
    whole = MinHash()(TextBatch.from_texts(documents)).column("signature").to_pylist()
    alone = [MinHash()(TextBatch.from_texts([text])).column("signature")[0].as_py() for text in documents]
    assert whole == alone
