"""Tests, folder by folder as in src."""
