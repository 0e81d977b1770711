import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from refinery.sources.markup.lists import numbers, restore_markers

from .test_main_content import extracted


def shown(html: str) -> list[str]:
    return numbers(HTMLTree.parse(html).body.query_selector("ol"))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", ["1. ", "2. ", "3. "]),
        ("start=4", ["4. ", "5. ", "6. "]),
        ("start=-1", ["-1. ", "0. ", "1. "]),
        ("start=x", ["1. ", "2. ", "3. "]),
        ("reversed", ["3. ", "2. ", "1. "]),
        ("reversed start=10", ["10. ", "9. ", "8. "]),
        ("type=a start=26", ["z. ", "aa. ", "ab. "]),
        ("type=A", ["A. ", "B. ", "C. "]),
        ("type=i start=3998", ["mmmcmxcviii. ", "mmmcmxcix. ", "4000. "]),
        ("type=I start=8", ["VIII. ", "IX. ", "X. "]),
        ("style='color: red; list-style-type: lower-alpha'", ["a. ", "b. ", "c. "]),
        ("style='list-style: none'", ["", "", ""]),
        ("type=a start=0", ["0. ", "a. ", "b. "]),
    ],
)
def test_numbers_are_those_that_a_browser_shows(attributes, expected):
    """By the attributes of the list."""
    assert shown(f"<ol {attributes}><li>x<li>y<li>z</ol>") == expected


def test_an_items_value_counts_on():
    """A number of its own is followed by the next one; nested items are not counted."""
    assert shown("<ol><li>x<ol><li>n</ol><li value=7>y<li>z</ol>") == ["1. ", "7. ", "8. "]


@given(count=st.integers(1, 800))
def test_letters_go_on_as_the_columns_of_a_sheet_do(count):
    """Bijective base 26: every label differs, and reads back to its number."""
    label = shown(f"<ol type=a start={count}><li>x</ol>")[0].removesuffix(". ")
    number = 0
    for letter in label:
        number = number * 26 + ord(letter) - ord("a") + 1
    assert number == count


def test_markers_stand_before_the_items_first_words():
    """Also where a paragraph, an emphasis or a list of its own begins the item."""
    nested = "<ol start=3><li><p><b>x</b>y</p><li><ol type=a><li>n</ol><li>z</ol>"
    assert extracted(nested) == "  3. xy\n\n    a. n\n  5. z"
    assert extracted("<ol><li>x<ul><li>n</ul><li>y</ol>") == "  1. x\n    • n\n  2. y"


def test_lists_with_links_are_kept_in_running_text():
    """Below a paragraph, and where it says that a list follows; teasers and menus go."""
    some = "<ul><li>see <a>the first case</a> of these<li>and <a>the second one</a> too</ul>"
    assert extracted("<p>Two more.</p>" + some).startswith("Two more.\n\n  • see the first case")
    all_links = "<ul><li><a>Form A</a><li><a>Form B</a></ul>"
    assert extracted("<p>These forms are there:</p>" + all_links).endswith(":\n\n  • Form A\n  • Form B")
    assert extracted("<h2>More</h2>" + all_links) == "More"


def test_text_without_markers_is_left_alone():
    """The very same, numbers at line starts included."""
    assert restore_markers("1. x\n2. y") == "1. x\n2. y"
