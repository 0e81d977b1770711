"""Rules on lines: which one a line fails first."""

import pytest

from refinery.errors import DefinitionError, InputError
from refinery.filters.line_counts import COUNTED
from refinery.filters.line_rules import LineRules, _alternatives, line_rules
from refinery.filters.rules import OF_LINES, Rule, load_rule_set, written_rule_sets
from refinery.text.batch import TextBatch
from refinery.text.visible_lines import find_lines


def failed(rules: LineRules, text: str) -> list[int]:
    batch = TextBatch.from_texts([text])
    return rules.first_failed(batch, find_lines(batch)).tolist()


def test_the_first_rule_that_a_line_fails_is_the_reason():
    """In the order in which they are written; -1 where all hold."""
    rules = line_rules(({"short": "chars > 2"}, {"end": "terminal"}), "keep")
    assert failed(rules, "a\na.\nabc\nabc.\n\n") == [0, 0, 1, -1]
    assert failed(rules, "") == []
    assert rules.columns == {"chars", "terminal"}


def test_one_of_several_conditions_is_enough():
    """Whether others are NULL or false; AND binds first."""
    rules = line_rules(({"x": "NULLIF(chars, 1) > 2 OR terminal OR words > 1 AND bullet"},), "keep")
    assert failed(rules, "a\nab\nabc\n.\na b\n- b c") == [0, 0, -1, -1, -1, -1]
    assert failed(line_rules(({"x": "words > 1 OR bullet"},), "keep"), "a\na b\n- a") == [0, -1, -1]


@pytest.mark.parametrize(
    "second", ["text !~ '^b'", "text !~ '^(?P<x>b)'", "chars > 9 OR text !~ '(?i)^B'", "text !~ '(?x)^b # )'"]
)
def test_rules_on_how_lines_begin_judge_each_by_itself(second):
    """However they are put together: in their order, also where their expressions cannot be one."""
    entries = ({"first": "words > 2 OR text !~ '^(?P<x>a)'"}, {"second": second}, {"third": "text !~ 'c'"})
    rules = line_rules(entries, "keep")
    assert failed(rules, "ab\na b c\nba\nxa\nbc\nxc\n") == [0, 2, 1, -1, 1, 2]


def test_expressions_on_how_lines_begin_are_known():
    """Those that are matched together; others are judged by themselves."""
    predicate = "words > 2 OR text !~ '(?i)^a|b' OR text !~ 'c' OR text ~ '^d' OR text NOT LIKE 'e%'"
    assert [one.begins for one in _alternatives(predicate)] == ["", "(?i)^a|b", "", "", ""]


def test_a_rule_that_values_break_is_named():
    """It is the user's."""
    rules = LineRules((Rule("odd", "CAST(text AS INT) > 1"),), frozenset({"text"}))
    with pytest.raises(InputError, match="rule odd"):
        failed(rules, "abc")


@pytest.mark.parametrize("name", written_rule_sets(OF_LINES))
def test_built_in_sets_are_sound_and_tell_what_they_are_for(name):
    """None needs lines to be counted."""
    rules = line_rules((name,), "keep")
    assert rules.rules
    assert not rules.columns & COUNTED
    assert load_rule_set(name, folder=OF_LINES).description


def test_all_that_is_wrong_is_told_together():
    """Each with its setting and its name."""
    with pytest.raises(DefinitionError) as found:
        line_rules(({"a": "x > 1", "b": "chars"},), "paragraphs")
    assert [problem.split(":")[:2] for problem in found.value.problems] == [
        ["paragraphs", " a"],
        ["paragraphs", " b"],
    ]


GONE = {
    "contents": ["<目录>", "[TOC]"],
    "page_number": ["- 12 -", "第 3 页 共 10 页", "Page 3 of 10", "Seite 4", "— 6 —"],
    "breadcrumb": ["Home > Health > Asthma", "您的位置：首页 >> 法规", "Home | Latest | Contact"],
    "navigation": [
        "Skip to main content",
        "« Previous post",
        "Read more…",
        "返回顶部",
        "Zum Inhalt springen",
    ],
    "sharing": ["Share this article", "Follow us on Twitter", "Facebook", "分享到：", "Pin it"],
    "comments": ["12 Comments", "Leave a reply", "查看评论"],
    "cookies": [
        "We use cookies to give you the best experience.",
        "By continuing to browse the site you agree to our use of cookies.",
        "Accept all cookies",
        "Diese Website verwendet Cookies.",
        "本网站使用cookie",
    ],
    "copyright": [
        "© 2019 Example, Inc.",
        "Copyright (c) 2014 The Authors. All rights reserved.",
    ],
    "rights": ["Dr. A. Example. Alle Rechte vorbehalten", "京ICP备12345678号", "版权所有"],
    "site_links": [
        "Privacy Policy",
        "Terms & Conditions",
        "Impressum",
        "关于我们",
        "Sign up for our newsletter",
    ],
    "advertising": ["Advertisement", "广告", "Anzeige", "Story continues below advertisement"],
    "teasers": ["Most read", "You may also like", "相关阅读"],
    "scripts": ["Please enable JavaScript to view this page."],
    "menu_of_links": ["[Home](/) | [News](/n) | [About](/a)"],
}
STAY = [
    "Headache", "Nausea", "1. Rash", "第一章 总则", "目录", "Contact dermatitis", "Home care", "Subscription", "12",
    "Copyright Act of 1976", "The home.", "This rule governs cookies.", "E-Mail:", "Kontakt", "Related conditions",
    "Share capital", "No comment was made.", "What causes it?", "| Dose | mg |", "[1] Smith. [2] Jones. [3] Wu.",
    "See [the label](/a) and [the guideline](/b) and [the law](/c) before use.", "第3条", "Page 3 shows the dose.",
    "Advertising expenses", "</div>", "版权", "The cookie is a cake.", "Privacy", "Print", "Next", "More",
    "(c) 2000 to 3000 mg", "The rights reserved to the states",
]  # fmt: skip


def test_the_set_of_web_pages_takes_their_furniture():
    """By the rule of its name, whatever the case."""
    rules = line_rules(("web",), "keep")
    names = [rule.name.removeprefix("web.") for rule in rules.rules]
    assert names == list(GONE)
    for name, lines in GONE.items():
        for text in [*lines, *map(str.upper, lines)]:
            assert [names[one] for one in failed(rules, text)] == [name], text


def test_the_set_of_web_pages_leaves_what_can_be_content():
    """Headings, entries of lists, cells of tables, words of the law."""
    assert failed(line_rules(("web",), "keep"), "\n".join(STAY)) == [-1] * len(STAY)


def test_the_frame_is_what_is_short_before_and_after_the_sentences():
    """A list between sentences stays; a page without a sentence has nothing but frame."""
    rules = line_rules(("frame",), "keep")
    prose = "This is a sentence of some ten words which ends here."
    page = f"Home\nNews\n{prose}\nHeadache\nRash\n{prose}\nImprint"
    assert failed(rules, page) == [0, 0, -1, -1, -1, -1, 0]
    assert failed(rules, "Home\nNews") == [0, 0]
