import os
import signal

import pytest

from refinery.sources.extractor import ExtractionError, Extractor


def test_pages_are_extracted_one_after_another():
    """Text comes back as it is in the page, whatever its size."""
    with Extractor("resiliparse", seconds=10) as extractor:
        assert extractor.text(b"<p>one</p>", None) == "one"
        big = "word " * 500_000
        assert extractor.text(f"<p>{big}</p>".encode(), "utf-8") == big.strip()
        assert extractor.text(b"", None) == ""


def test_a_page_over_its_time_is_an_error_and_the_next_one_is_read():
    """200 000 nested elements keep the parser busy for minutes; the limit is one second."""
    with Extractor("resiliparse", seconds=1) as extractor:
        with pytest.raises(ExtractionError) as caught:
            extractor.text(b"<div>" * 200_000, None)
        assert caught.value.reason == "extraction_timeout"
        assert extractor.text(b"<p>next</p>", None) == "next"


def test_an_extractor_that_dies_is_an_error_and_the_next_page_is_read():
    """A crash of the process costs one page."""
    with Extractor("resiliparse", seconds=10) as extractor:
        extractor.text(b"<p>one</p>", None)
        os.kill(extractor._process.pid, signal.SIGSEGV)
        with pytest.raises(ExtractionError) as caught:
            extractor.text(b"<p>two</p>", None)
        assert caught.value.reason == "extraction_failed"
        assert extractor.text(b"<p>three</p>", None) == "three"


def test_nothing_is_started_without_a_page():
    """A WET file needs no extractor; after the block no process is left."""
    with Extractor("resiliparse", seconds=10) as extractor:
        assert extractor._process is None
        extractor.text(b"<p>x</p>", None)
        process = extractor._process
    assert process.poll() is not None
