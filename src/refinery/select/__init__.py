"""Choosing among good documents: the token budget."""
