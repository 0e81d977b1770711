import numpy as np
from synthetic import Corpus, members, numbers_of


def test_every_document_is_somewhere_once():
    """Places are strewn over the document numbers without a gap."""
    corpus = Corpus("mixed", 12_300)
    assert sorted(numbers_of(corpus, 0, 12_300).tolist()) == list(range(12_300))
    assert np.abs(np.diff(numbers_of(corpus, 0, 100))).min() > 1000


def test_clusters_have_the_sizes_that_are_expected():
    """Of a hundred documents: five copies, one cluster of five, two pairs."""
    cluster, content, similarity = members(np.arange(100))
    assert len(set(content.tolist())) == 95
    sizes = np.bincount(np.unique(cluster, return_counts=True)[1])
    assert sizes.tolist() == [0, 81, 7, 0, 0, 1]  # pairs: five of copies, two near
    assert sorted(set(similarity.tolist())) == [0.9, 0.995, 1.0]
