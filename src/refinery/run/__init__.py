"""Executes a plan: the measure pass, the decisions, the global verbs, the write pass, the manifest."""
