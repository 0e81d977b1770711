"""Refinery's own files, here or on an object store."""
