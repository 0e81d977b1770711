"""From the bytes of a web page to its text: its charset, then extraction of the main content.

Run as a program it is the worker of `extractor.Extractor`: requests on standard input, answers on standard output. It
limits its own processor time with a timer whose signal ends the process, for no Python code runs while a C or Rust
parser is busy (200 000 nested elements keep one busy for more than ten minutes).
"""

from __future__ import annotations

import signal
import struct
import sys
from importlib.util import find_spec
from typing import BinaryIO, Literal

from refinery.errors import InputError

Extraction = Literal["resiliparse", "trafilatura"]
EXTRACTION = 2  # raised when a page gives another text
EXTRACTION_SECONDS = 10  # of processor time that a page may take; EXTRACTION is raised with it
REQUEST = struct.Struct("<BIQ")  # extractor, length of the declared charset, length of the body
ANSWER = struct.Struct("<BQ")  # status, length of the text
TEXT, UNDECODABLE, FAILED = range(3)
EXTRACTORS: tuple[Extraction, ...] = ("resiliparse", "trafilatura")


def require(extractor: Extraction, place: str) -> None:
    """Raises InputError with what to install when the extractor is not there."""
    needed = ("trafilatura", "lxml_html_clean") if extractor == "trafilatura" else ()
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        hint = "pip install 'refinery[clean]', or leave `extractor` out"
        raise InputError(place, f"the extractor trafilatura needs {' and '.join(missing)}", hint)


def extract_text(page: str, extractor: Extraction) -> str:
    """The main content of a page as text with paragraphs and lists; empty when there is none."""
    if extractor == "resiliparse":
        from refinery.sources.markup.main_content import main_content

        return main_content(page)
    import trafilatura

    return trafilatura.extract(page, include_comments=False) or ""


def serve(requests: BinaryIO, answers: BinaryIO, seconds: int) -> None:
    """Answers requests until there are no more; the process ends when one takes more processor time."""
    while head := requests.read(REQUEST.size):
        number, charset_size, size = REQUEST.unpack(head)
        declared = requests.read(charset_size).decode("ascii", "replace") or None
        body = requests.read(size)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        status, text = _answer(body, declared, EXTRACTORS[number])
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(ANSWER.pack(status, len(text)) + text)
        answers.flush()


def _answer(body: bytes, declared: str | None, extractor: Extraction) -> tuple[int, bytes]:
    from refinery.sources.charset import decode

    page = decode(body, declared)
    if page is None:
        return UNDECODABLE, b""
    try:
        return TEXT, extract_text(page, extractor).encode("utf-8", "replace")
    except MemoryError:
        raise
    except Exception as error:  # a parser's own bug on one page is that page's reject
        return FAILED, f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:200]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is the parent's to handle; then this input ends
    serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
