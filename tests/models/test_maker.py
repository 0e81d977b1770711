"""What a maker is."""

import pickle
from pathlib import Path

from refinery.models.maker import Made
from tests.run.word_maker import FirstWords, Settings, WithoutFirst


def test_a_maker_is_a_value():
    """Equal settings make equal makers, here and in another process, and a transform is completed with a count."""
    maker = FirstWords("crawl", 3)
    assert pickle.loads(pickle.dumps(maker)) == maker != FirstWords("crawl", 4)
    transform = WithoutFirst(Settings(letters=3))
    assert transform.counter == maker
    complete = transform.with_count(Made(Path("made"), "content"))
    assert complete.settings == {"least": 2, "count": "content"}
    assert complete.counter == maker
