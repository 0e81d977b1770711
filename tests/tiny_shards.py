"""Many tiny files on S3, and a definition with measurers, rules, dedup, a token budget and two outputs over them."""

from __future__ import annotations

import json
import random

DEFINITION = """
refinery: 1
name: many
sources:
{sources}
stages:
  screened:
    from: [{names}]
    measure: [signals, {{patterns: {{digits: "[0-9]"}}}}]
    keep:
      - long_enough: "words >= 20"
      - few_digits: "digits < 100"
  unique:
    from: screened
    dedup: {{exact: true, near: {{similarity: 0.8}}}}
  chosen:
    from: unique
    select: {{tokens: {budget}, by: words}}
outputs:
  chosen: {{from: chosen, path: "{out}/chosen"}}
  shuffled: {{from: unique, path: "{out}/shuffled", shuffle: 7}}
"""
TOKENS = 50  # of a document's hundred or so that the budget leaves it
UPLOADED_AT_ONCE = 2000
WORDS = [
    first + last
    for first in ("al", "be", "co", "du", "en", "fi", "ga")
    for last in ("ter", "mon", "ly", "sta", "r", "quent", "ness", "ing", "tion", "or", "us", "ea")
]


def definition(source: str, out: str, files: int, documents: int, sources: int = 1) -> str:
    """The YAML for so many files of so many documents each, in so many sources."""
    names = [f"crawl{n}" for n in range(sources)]
    lines = "\n".join(f'  {name}: {{path: "{source}/{name}"}}' for name in names)
    budget = files * documents * TOKENS
    return DEFINITION.format(sources=lines, names=", ".join(names), out=out, budget=budget)


def content(number: int, documents: int) -> bytes:
    """JSON Lines of made-up documents: one in ten is another's copy, one in ten nearly."""
    lines = []
    for n in range(number * documents, (number + 1) * documents):
        words = random.Random(n // 10 * 10 if n % 10 in {3, 7} else n).choices(WORDS, k=80)
        if n % 10 == 7:
            words[5] = f"changed{n}"
        lines.append(json.dumps({"id": f"d{n}", "text": " ".join(words)}))
    return "\n".join(lines).encode()


def upload(bucket: str, files: int, documents: int, sources: int = 1) -> None:
    """Puts files below `crawl0`, `crawl1`, ... of a bucket, many at once."""
    from refinery.storage.object_store import filesystem_of

    filesystem, inner = filesystem_of(f"{bucket}/crawl")
    for first in range(0, files, UPLOADED_AT_ONCE):
        here = range(first, min(first + UPLOADED_AT_ONCE, files))
        filesystem.pipe(
            {f"{inner}{n % sources}/{n // 1000:04}/{n:07}.jsonl": content(n, documents) for n in here}
        )
