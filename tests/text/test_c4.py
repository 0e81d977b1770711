"""C4's tests, one by one and in their order."""

from __future__ import annotations

import pytest

from tests.text.test_signals import measured

COUNTS = ("sentences", "lines", "lorem_ipsum", "curly_bracket", "javascript_lines", "policy_lines")


def counts(text: str) -> dict[str, float]:
    """The C4 counts that are not 0."""
    found = measured(text)[0]
    return {name: found[f"c4_{name}"] for name in COUNTS if found[f"c4_{name}"]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A line that stays.", {"lines": 1, "sentences": 1}),
        ('He said: "Stay here now"', {"lines": 1, "sentences": 1}),
        ("One here. Two here! Is it three?", {"lines": 1, "sentences": 3}),
        ("No mark at the end", {}),
        ("It ends in brackets (as here.)", {"lines": 1, "sentences": 1}),
        ("He said: “Stay here now”", {"lines": 1, "sentences": 1}),
        ("C’est ici : « restez. »", {"lines": 1, "sentences": 1}),
        ("It has (brackets at the end)", {}),
        ("It goes on and on...", {}),
        ("Too short.", {}),
        ("Wikipedia says so.[12]", {"lines": 1, "sentences": 1}),
        ("Wikipedia says.[citation needed] And so on. [edit]", {"lines": 1, "sentences": 2}),
        ('One two three. [[1]"', {"lines": 1, "sentences": 1}),
        ("This is " + "x" * 1001 + " indeed.", {}),
        ("This is " + "x" * 1000 + " indeed.", {"lines": 1, "sentences": 1}),
        ("Some LOREM Ipsum with javascript here.", {"lorem_ipsum": 1}),
        ("Please enable JavaScript { now }.", {"javascript_lines": 1}),
        ("f(x) { by our Privacy Policy }.", {"curly_bracket": 1}),
        ("We value you: privacy policy.", {"policy_lines": 1}),
        ("Read the Terms of Use first.", {"policy_lines": 1}),
        ("This site uses cookies now.", {"policy_lines": 1}),
        ("On the use of cookies here.", {"policy_lines": 1}),
        ("We may use cookies here.", {"policy_lines": 1}),
        ("See our cookie policy please.", {"policy_lines": 1}),
        ("He bakes cookies every day.", {"lines": 1, "sentences": 1}),
        ("a { in a line without an end", {}),
    ],
)
def test_a_line_leaves_at_the_first_test_that_fails(line: str, expected: dict[str, int]) -> None:
    """Each line is counted once, by the test that it fails or as kept."""
    assert counts(line) == expected
    assert counts(f"A line that stays.\n{line}\r\nlorem ipsum") == {
        **expected,
        "lines": expected.get("lines", 0) + 1,
        "sentences": expected.get("sentences", 0) + 1,
    }
