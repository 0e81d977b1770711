import numpy as np

from refinery.dedup import buckets
from refinery.dedup import corpus as corpus_module
from refinery.dedup.buckets import low_bits
from refinery.dedup.settings import Settings
from refinery.text.minhash import permutations, signatures_of_hashes
from tests.dedup.corpus import near, run, set_partitions, words, write_shard


def test_eight_bits_agree_where_the_hashes_do_and_else_once_in_256():
    """Of equal hashes all agree, of different ones one in 256."""
    generator = np.random.default_rng(1)
    one = generator.integers(0, 2**32, (300, 112), dtype=np.uint32)
    other = generator.integers(0, 2**32, (300, 112), dtype=np.uint32)
    other[:, :50] = one[:, :50]
    for matrix in (one, other):
        matrix.flags.writeable = False
    rows = np.arange(300)
    agree = low_bits(one, rows) == low_bits(other, rows)
    assert agree[:, :50].all()
    assert 1 / 300 < agree[:, 50:].mean() < 1 / 220


def test_shingles_that_agree_in_their_low_bits_do_not_agree_in_every_permutation():
    """The permutations are affine: without mixing, two sets of one shingle each could look like one."""
    a, b = permutations(112, 1)
    hashes = np.arange(4096, dtype=np.uint32)
    signatures = signatures_of_hashes(hashes, np.arange(4097), 112, 1)
    low = signatures.astype(np.uint8)
    unmixed = (low == low[0]).sum(axis=1)
    assert sorted(set(unmixed.tolist())) == [0, 112]  # the danger is real
    signatures.flags.writeable = False
    mixed = low_bits(signatures, np.arange(4096))
    assert (mixed == mixed[0]).sum(axis=1)[1:].max() < 10
    assert len(a) == len(b) == 112


def test_a_large_bucket_that_is_split_removes_what_it_does_whole(tmp_path, monkeypatch):
    """All that it is split into meet the preferred documents of all, whatever the partitions."""
    base = words(200, 1)
    texts = [" ".join([*base, f"w{n}"]) for n in range(700)]
    order = np.random.default_rng(2).permutation(700).tolist()
    shards = [write_shard(tmp_path / f"{n}.parquet", texts[n::3], [order[n::3]]) for n in range(3)]
    settings = Settings(near=near(bands=28, rows=4))
    whole = run(tmp_path, shards, settings)
    monkeypatch.setattr(buckets, "LARGE", 50)
    monkeypatch.setattr(corpus_module, "LEAST_DOCUMENTS", 64)
    split = run(tmp_path, shards, settings)
    set_partitions(monkeypatch, 40_000)
    assert run(tmp_path, shards, settings) == split
    (kept,) = {(n % 3, n // 3) for n in range(700)} - set(whole)
    assert set(split) == set(whole)
    assert {found.place for found in split.values()} == {kept} == {found.place for found in whole.values()}
