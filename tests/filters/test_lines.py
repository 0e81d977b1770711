"""The `lines` transform: what a large share of a source's documents hold is removed."""

import pickle

import pyarrow as pa
import pytest

from refinery.errors import DefinitionError, InputError
from refinery.filters import registry
from refinery.filters.line_counts import FILE, LineCounts
from refinery.filters.lines import Lines, Settings, build
from tests.filters.test_line_counts import Texts, count

PAGES = tuple(f"Home\n\nPage {n}\n\nText of page {n}.\n\nAll rights reserved." for n in range(12))


@pytest.fixture
def made(tmp_path):
    """The counts of twelve pages with a menu and a footer, and of eight without."""
    return count(tmp_path, [Texts(PAGES), Texts(tuple(f"Alone {n}" for n in range(8)))])


def texts_of(*texts):
    return pa.array(texts, pa.large_string())


def test_repeated_lines_go_and_all_else_stays(made):
    """The menu and the footer; NULL stays NULL, and an array without such a line is the very same."""
    removes = Lines(0.5, 2).with_count(made)
    text = texts_of(*PAGES[:2], None, "Other")
    assert removes(text).to_pylist() == [f"Page {n}\n\nText of page {n}." for n in (0, 1)] + [None, "Other"]
    assert removes(text).type == pa.large_string()
    others = texts_of("Other", None)
    assert removes(others) is others
    assert removes(removes(text)).to_pylist() == removes(text).to_pylist()


def test_a_small_source_loses_nothing(made):
    """A line goes from 100 documents on unless another number is set."""
    text = texts_of(*PAGES)
    assert build(Settings(repeated="0.1%")).with_count(made)(text) is text


def test_its_identity_is_what_it_removes(made, tmp_path):
    """Other shares, or counts of other documents, that remove the same lines are the same transform."""
    removes = Lines(0.5, 2).with_count(made)
    assert removes.settings == Lines(0.4, 3).with_count(made).settings
    assert removes.settings != Lines(0.6, 2).with_count(made).settings
    more = count(tmp_path / "more", [Texts((*PAGES, "one more"))])
    assert removes.settings == Lines(0.5, 2).with_count(more).settings
    assert Lines(0.5, 2).settings != Lines(0.5, 3).settings  # before anything is counted
    assert removes.counter == Lines(0.1, 9).counter == LineCounts()
    assert removes.files == (made / FILE,)


def test_a_worker_reads_the_counts_itself_and_notices_others(made, tmp_path):
    """What is pickled has the path alone, and says what it must find there."""
    own = count(tmp_path / "own", [Texts(("A menu of its own",) * 4)])
    sent = pickle.dumps(Lines(0.5, 2).with_count(own))
    assert len(sent) < 1000
    (own / FILE).write_bytes((made / FILE).read_bytes())
    with pytest.raises(InputError, match="changed"):
        pickle.loads(sent)(texts_of("Home"))


def test_lines_that_are_not_counted_are_not_removed():
    """It is a mistake of who calls, not of data."""
    with pytest.raises(ValueError, match="counted"):
        Lines(0.5, 2)(texts_of("Home"))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"repeated": 0.1}, "shares are percentages: write 10%"),
        ({"repeated": "0.001%"}, "0.01% is the least"),
        ({"repeated": "1%", "least_documents": 1}, "greater than or equal to 2"),
        ({}, "repeated"),
    ],
)
def test_wrong_settings(settings, problem):
    """Each is told in the words of a definition."""
    with pytest.raises(DefinitionError, match=problem):
        registry.transform("lines", settings)
