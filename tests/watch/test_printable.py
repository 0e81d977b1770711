import json
import re
import unicodedata
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from rich.markdown import Markdown

from refinery.watch.printable import json_text, markdown_code, printable

ANY = st.text(st.characters(codec=None, categories=None))  # surrogates too
ODD = st.text(
    st.sampled_from("a[/]b\x1b\x07\n\r\t\x00\x7f\x9b\u202e\u2066\u2028\ufeff\udce9`|<é文😀\u200d\u200c")
)


@dataclass(frozen=True)
class Row:
    name: str
    more: tuple[str, ...]


def commands(text: str) -> set[str]:
    return {
        c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in "\u202e\u2066\ufeff"
    }


@given(st.one_of(ANY, ODD))
def test_nothing_that_a_terminal_obeys_is_left(text):
    """Nor an end of line; what is left is as it was, joiners of letters and emoji among it; it can be encoded."""
    shown = printable(text)
    assert not commands(shown)
    assert shown.encode().decode() == shown
    assert (
        re.sub(r"\\(x..|u....|[nrt])", "", shown)
        == "".join(c for c in re.sub(r"\\(x..|u....|[nrt])", "", text) if printable(c) == c)
        or "\\" in text
    )


@given(st.dictionaries(ODD, ODD, max_size=3), ODD)
def test_json_is_the_same_value_in_safe_characters(names, name):
    """Whatever is in keys and texts, also what is in no encoding."""
    for value in (names, [name], {"a": {name: None}}):
        text = json_text(value)
        assert json.loads(text) == value
        assert not commands(text)
    assert json.loads(json_text(Row(name, (name,)), indent=True)) == {"name": name, "more": [name]}


@given(ODD.filter(str.strip))
def test_a_code_span_of_markdown_holds_the_whole_text(text):
    """Backticks, bars and markup are no marks in it; it is one line."""
    parsed = Markdown(f"a {markdown_code(text)} z").parsed
    (span,) = (one for one in parsed[1].children if one.type == "code_inline")
    assert span.content.strip() == printable(text).replace("|", "\\|").strip()
