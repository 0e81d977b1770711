"""Names of results."""

from pathlib import Path

from refinery.models.maker import Made
from refinery.plan.graph import Making, View
from refinery.plan.result import count_name
from tests.run.word_maker import FirstWords, Settings, WithoutFirst


def test_a_count_has_a_name_of_its_own():
    """Of the transforms before it, whatever they have counted; another count of the same word gets a number."""
    transform = WithoutFirst(Settings())
    plain, after = View("crawl"), View("crawl", (transform,))
    making = Making(FirstWords("crawl", 3), plain)
    assert count_name(making, {}) == "sources.crawl.first_words"
    assert count_name(making, {"sources.crawl.first_words": making}) == "sources.crawl.first_words"
    other = Making(FirstWords("crawl", 4), plain)
    assert count_name(other, {"sources.crawl.first_words": making}) == "sources.crawl.first_words 2"
    name = count_name(Making(FirstWords("crawl", 3), after), {})
    complete = View("crawl", (transform.with_count(Made(Path("made"), "content")),))
    assert (
        name
        == count_name(Making(FirstWords("crawl", 3), complete), {})
        == "sources.crawl.without_first.first_words"
    )
