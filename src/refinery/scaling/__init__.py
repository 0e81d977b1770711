"""Scaling laws: tokens that a model of a given size should see, and what repeated and further ones are worth."""
