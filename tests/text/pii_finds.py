"""What is found in one text, as pairs of kind and text."""

from refinery.text import pii
from refinery.text.batch import TextBatch


def finds(text, *kinds):
    found = pii.find(TextBatch.from_texts([text]), kinds or pii.KINDS)
    data = text.encode()
    return [
        (pii.KINDS[kind], data[start:end].decode())
        for kind, start, end in zip(found.kind, found.start, found.end, strict=True)
    ]


def is_all(text, kind, before="", after=""):
    """Whether the text, and nothing else, is found as that kind."""
    return finds(f"{before}{text}{after}") == [(kind, text)]
