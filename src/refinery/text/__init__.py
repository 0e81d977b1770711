"""Kernels that work on Arrow buffers (offsets and UTF-8 bytes), with no Python object a document or word."""
