"""Dedup: one document of each group of exact or near duplicates is kept.

content     the hash that exact duplicates share            minhash     signatures, as datasketch makes them
bands       the cut into bands and the recall it promises   signatures  the kernels that make signatures
run         the whole verb, over shards                     layout      how documents are numbered and preferred
groups      documents with one hash, by key range           buckets     documents that share a band, by key range
candidates  pairs of one bucket that look alike             verify      exact Jaccard from the texts
components  which near pairs hang together                  resolve     who is removed, and for whom
fates       copies share the fate of what they copy         spill       records and arrays on disk between units
verb        the verb as stages use it                       settings    what a stage may write under `dedup`
"""
