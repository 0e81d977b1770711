"""Dedup: one document of each group of exact or near duplicates is kept, and one copy of each passage.

content     the hash that exact duplicates share             minhash     signatures, as datasketch makes them
run         the whole verb, over shards                      corpus      how documents are numbered and preferred
copies      documents with one hash                          bands       the cut into bands, the recall it promises
near        the search for near duplicates:
buckets     documents that share a band's key                candidates  pairs of a bucket with like signatures
verify      what settles a pair                              sets        exact Jaccard from the texts
settled     similarities that are kept for later runs        components  which near pairs hang together
resolve     who is removed, and for whom                     same_signature  copies of signatures, the last
outcomes    who asks what became of which, and the result    sorting     order of preference, equal keys
verb        the verb as stages use it                        settings    what a stage may write under `dedup`
protect     the verb that a definition's `protect` implies   protected   how it leaves out what is protected
probe       documents looked up among protected ones         lookup      an index of datasketch's, for `find`
inside      documents that have a protected one inside:      protect_rules  by which rule one goes
items       protected texts and their n-grams                overlap     n-grams of items in documents, common ones
overlap_spans  the passages that are cut
split       which documents are held out of training
passages    the verb that cuts repeated passages to one copy; passage_search finds them, passage_cuts says what goes
"""
