"""refinery: raw text in, a training set for a domain language model out, every decision on record."""

from importlib.metadata import version

__version__ = version("refinery")
__all__ = ["__version__"]
