"""A small finished run that tests look at and leave as it is."""

from pathlib import Path

import pytest

import refinery

DEFINITION = """
refinery: 1
name: tiny
sources:
  crawl: {path: "crawl/*.parquet"}
  notes: {path: "notes.jsonl"}
stages:
  screened:
    from: crawl
    transform: [normalize]
    measure: [language, signals]
    derive: {density: "words / lines"}
    keep:
      - english: "lang = 'en' AND lang_score >= 0.5"
      - long_enough: "words >= 50"
      - {rules: c4, without: [sentences]}
  unique:
    from: [notes, screened]
    dedup: {exact: true, near: {similarity: 0.8}}
outputs:
  unique: {from: unique, path: out, measurements: [lang]}
  screened: {from: screened, path: screened}
"""


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> Path:
    """The definition: two sources, Chinese, short, equal, alike and broken documents, two outputs."""
    from tests.conftest import chinese_document, document, write_parquet

    base = tmp_path_factory.mktemp("tiny_run")
    texts = {f"en{n}": document(n) for n in range(12)}
    texts |= {f"zh{n}": chinese_document(n) for n in range(4)}
    texts |= {f"short{n}": "A few  words. " * (n + 1) for n in range(16)}
    texts |= {f"copy{n}": document(n) + "\r\n\r\n" for n in range(3)}
    texts |= {f"near{n}": document(n).replace(" the ", " that ", 1) for n in range(3, 6)}
    rows = [{"id": name, "text": text} for name, text in texts.items()]
    for number in range(3):
        write_parquet(base / "crawl" / f"{number}.parquet", rows[number::3])
    (base / "notes.jsonl").write_text(
        '{"text": "A note of some words."}\n{"text": null}\n{"id": 3}\nnot JSON\n'
    )
    definition = base / "pipeline.yaml"
    definition.write_text(DEFINITION, "utf-8")
    refinery.run(definition, workers=1, progress=False)
    return definition
