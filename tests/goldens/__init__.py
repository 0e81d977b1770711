"""Runs frozen once: what became of every document, in files that outlive the code."""
