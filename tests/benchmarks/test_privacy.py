"""The benchmark of personal data."""

from privacy import judged, planted, refinery
from stdnum import luhn


def test_plants_lie_where_they_are_said_to():
    """As many sentences without any; cards have their check digit."""
    sentences = planted(20)
    plants = [one for one in sentences if one.plant]
    assert len(plants) * 2 == len(sentences)
    for one in plants:
        kind, start, end = one.plant
        if kind == "card":
            assert luhn.is_valid(one.text[start:end].replace(" ", ""))
    assert len({kind for kind, _, _ in (one.plant for one in plants)}) == 9


def test_a_find_counts_if_it_is_of_the_kind_and_has_the_plant():
    """A finder that knows everything, one that finds nothing, and refinery's."""
    sentences = planted(10)
    truth = {one.text: [one.plant] for one in sentences if one.plant}
    rows, wrong = judged("all", lambda text: truth.get(text, []), sentences)
    assert (rows[-1][3:], wrong) == (("1.000", "1.000"), 0)
    assert judged("none", lambda _: [], sentences)[0][-1][3:] == ("0.000", "-")
    assert float(judged("refinery", refinery, sentences)[0][-1][3]) > 0.9
