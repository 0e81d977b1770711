"""Filesystems, shards, readers and writers by format, and the atomic commit."""
