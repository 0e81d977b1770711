"""Passages that two texts have in common."""

from refinery.report.shared import shared_passages


def test_passages_are_in_the_words_of_the_first_text():
    """Case and punctuation apart, in both scripts; of a changed word what is on either side; few words are none."""
    item = "Which vessel carries blood from the lungs to the left atrium? 下列哪一项是国家的根本大法？"
    page = "A page.\nWHICH vessel, carries blood from a lung to the left of it. 以下：下列哪一项，是国家的根本法。"
    assert list(shared_passages(page, item)) == [
        "WHICH vessel, carries blood from",
        "下列哪一项，是国家的根本",
    ]
    assert list(shared_passages("nothing of it at all", item)) == []
