"""Recall: more documents of a domain, found in a pool by few of them, in rounds over a sample of the pool."""
