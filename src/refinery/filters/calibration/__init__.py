"""Thresholds of rules moved so that trusted text stays."""
