import io
import sys

import pytest

from refinery.errors import InputError
from refinery.sources import html
from refinery.sources.html import ANSWER, FAILED, REQUEST, TEXT, UNDECODABLE, extract_text, serve

LATIN = "Le café est servi à la crème près de l'église où l'élève préfère être."


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_the_main_content_is_extracted(extractor):
    """Scripts, styles and navigation are left out."""
    page = (
        "<html><head><title>T</title><style>x{}</style></head><body><nav><a href=/>menu</a></nav>"
        f"<article><h1>Head</h1><p>{LATIN}</p><p>{LATIN} Encore.</p></article><script>alert()</script></body></html>"
    )
    text = extract_text(page, extractor)
    assert LATIN in text
    assert not any(word in text for word in ("alert", "x{}", "menu"))


def test_the_worker_answers_every_request():
    """Requests are answered in order, failures among them."""
    asked = [(b"<p>one</p>", b""), (b"", b""), (b"<p>caf\xe9</p>", b"latin-1")]
    requests = io.BytesIO(b"".join(REQUEST.pack(0, len(c), len(b)) + c + b for b, c in asked))
    answers = io.BytesIO()
    serve(requests, answers, 60)
    answers.seek(0)
    found = []
    while head := answers.read(ANSWER.size):
        status, size = ANSWER.unpack(head)
        found.append((status, answers.read(size).decode()))
    assert found == [(TEXT, "one"), (TEXT, ""), (TEXT, "café")]
    assert len({TEXT, UNDECODABLE, FAILED}) == 3


def test_a_missing_extractor_is_told_before_any_page(monkeypatch):
    """Without its package an extractor is refused with what to install, not with a reject a page."""
    monkeypatch.setitem(sys.modules, "trafilatura", None)  # as if it were not installed
    html.require("resiliparse", "crawl")
    with pytest.raises(InputError, match=r"pip install 'refinery\[clean\]'"):
        html.require("trafilatura", "crawl")
