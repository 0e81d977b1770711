"""Stages mixed to shares of a token budget: which documents are written, and how many times."""
