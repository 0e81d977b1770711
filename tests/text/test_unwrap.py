"""Lines that were broken at a margin are joined, and all others stay."""

import random
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.unwrap import unwrap

VOCABULARY = (
    "the dose of a patient with asthma is increased slowly over several weeks until symptoms disappear"
)
WORDS = VOCABULARY.split()


def joined(*texts: str) -> list[str]:
    return unwrap(TextBatch.from_texts(texts)).to_arrow().to_pylist()


def prose(seed: int, words: int = 120) -> str:
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) for _ in range(words)).capitalize() + "."


@given(st.integers(0, 10**6), st.sampled_from([50, 65, 72, 100]), st.sampled_from(["", " ", "   "]))
def test_wrapped_prose_comes_back(seed, width, indent):
    """Paragraphs stay apart, at the usual widths, indented or not."""
    texts = [prose(seed), prose(seed + 1), prose(seed + 2, 30)]
    wrapped = [textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent) for text in texts]
    assert joined("\n\n".join(wrapped)) == ["\n\n".join(indent + text for text in texts)]


@given(st.lists(st.text("ab -\n中，.1AB\u00ad", max_size=400), max_size=3))
def test_nothing_but_breaks_and_hyphens_changes(texts):
    """Whatever the text is."""
    cut = str.maketrans("", "", " \n-\u00ad")
    assert [text.translate(cut) for text in joined(*texts)] == [text.translate(cut) for text in texts]


def test_scripts_without_spaces_are_joined_without_one():
    """Chinese, wrapped at a number of characters, with a Latin word at a break."""
    text = (
        "本品用于治疗成人轻度至中度高血压，亦可用于Aspirin治疗无效的患者，应当在医生指导下服用，不得擅自更改剂量。"
        * 4
    )
    lines, cells = [""], 0
    for char in text:
        cells += 1 if char.isascii() else 2
        if cells > 60:
            lines, cells = [*lines, ""], 2
        lines[-1] += char
    assert joined("\n".join(lines)) == [text]


def filled(*lines: str) -> str:
    """Text of a margin of 60 about lines."""
    return "\n".join([*textwrap.wrap(prose(1, 60), 60), *lines, *textwrap.wrap(prose(2, 60), 60)])


def broken(end: str, begin: str) -> str:
    """Text of which a line of 60 cells ends with `end`, and the next begins with `begin`."""
    before = "These are some words which stand before the end of a line "[: 59 - len(end)]
    return filled(f"{before} {end}", f"{begin} and more words follow on the next line.")


@pytest.mark.parametrize(
    ("end", "begin", "found"),
    [
        ("exam", "ple", "example"),
        ("Bundes", "republik", "Bundesrepublik"),
        ("Ein", "und Ausgang", "Ein- und Ausgang"),
        ("CDU", "Fraktion", "CDU-Fraktion"),
        ("COVID", "19", "COVID-19"),
        ("Straße", "über", "Straßeüber"),
    ],
)
def test_hyphens_at_ends_of_lines(end, begin, found):
    """They go before a small letter, stay before capitals, digits and an "and"."""
    assert f" {found} " in joined(broken(f"{end}-", begin))[0]


def test_a_word_that_the_document_has_with_its_hyphen_keeps_it():
    """Unless it has it without one, too."""
    text = broken("well-", "known")
    assert " wellknown and" in joined(text)[0]
    assert " well-known and" in joined(f"{text}\n\nIt is well-known.")[0]
    assert " wellknown and" in joined(f"{text}\n\nIt is well-known or wellknown.")[0]


def test_soft_hyphens_go_with_the_break():
    """They are there for it alone."""
    assert " example and" in joined(broken("exam\u00ad", "ple"))[0]


POEM = "\n".join(
    [
        "Tyger Tyger, burning bright, in the forests of the night",
        "What immortal hand or eye, could frame thy fearful symmetry",
        "In what distant deeps or skies, burnt the fire of thine eyes",
        "On what wings dare he aspire, what the hand dare seize the fire",
        "And what shoulder and what art, could twist the sinews of thy heart",
    ]
)
STAY = {
    "poem": POEM,
    "symptoms": "Side effects are:\nheadache\nnausea and vomiting\nrash\nfever\na dry mouth\ntiredness",
    "sentences": "\n".join(prose(seed, 5 + seed % 40) for seed in range(20)),
    "code": "\n".join(f"    x{n} = function(argument_{n}, another_argument_{n}, one_more)" for n in range(9)),
    "fenced": f"```\n{textwrap.fill(prose(3), 60)}\n```",
    "table": "\n".join(f"| {n} mg of the substance | twice a day | for {n} weeks or so |" for n in range(9)),
    "quotation": "\n".join(f"> {line}" for line in textwrap.wrap(prose(4), 60)),
    "short": "One line of text which is rather long, so that it could be\nbroken here.",
    "long": "\n".join(prose(seed, 60) for seed in range(5)),
}


@pytest.mark.parametrize("name", STAY)
def test_what_was_not_broken_at_a_margin_stays(name):
    """The very same batch."""
    batch = TextBatch.from_texts([STAY[name]])
    assert unwrap(batch) is batch


def test_lists_within_wrapped_text_stay_lists():
    """An entry goes on to its own next line, never to the next entry."""
    entries = [f"- {prose(seed, 14)}" for seed in range(4)]
    wrapped = [textwrap.fill(one, 60, subsequent_indent="  ") for one in entries]
    assert joined(filled() + "\n\n" + "\n".join(wrapped))[0].endswith("\n" + "\n".join(entries))


def test_documents_are_judged_each_by_itself():
    """By its own margin, wherever it lies in a batch."""
    wrapped = textwrap.fill(prose(5), 72)
    assert joined(wrapped, STAY["symptoms"], "", wrapped) == [prose(5), STAY["symptoms"], "", prose(5)]
    part = TextBatch.from_arrow(TextBatch.from_texts(["a", wrapped, "b"]).to_arrow().slice(1, 1))
    assert unwrap(part).to_arrow().to_pylist() == [prose(5)]
