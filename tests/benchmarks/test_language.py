"""The benchmark of languages."""

from language import of_many_languages, of_one_language

from tests.udhr import SENTENCES


def test_shares_are_of_the_texts_with_the_language():
    """Of English, capitals are lost by the model alone and kept as corrected; of another language none is right."""
    rows = {row[1]: row[2:] for row in of_one_language("law", "en", [SENTENCES["eng"]] * 4, 4)}
    assert rows["whole"] == ("1.000", "1.000", "1.000", "1.000", "0.000")
    assert rows["capitals"][1] < rows["capitals"][3] == rows["capitals"][4] == "1.000"
    assert of_one_language("law", "de", [SENTENCES["eng"]], 1)[-2][2:6] == ("0.000",) * 4


def test_other_languages_are_counted_apart_and_by_group():
    """Yi and Thai for Chinese, Danish in its group."""
    texts = [
        "ꊿꂷꈀꐥꌠꃅꋍꉜꐨꐥꌠꌋꆀ",
        SENTENCES["tha"],
        SENTENCES["eng"],
        "Alle mennesker er født frie og lige i værdighed.",
    ]
    taken, near = of_many_languages(texts, ["iii", "tha", "eng", "dan"])
    assert [row[:2] for row in taken.rows] == [("en", 3), ("zh", 4)]
    assert all(row[4] == "0.000" for row in taken.rows)
    (danish,) = [row for row in near.rows if row[1] == "dan"]
    assert danish[:3] == ("da-no", "dan", 1) and danish[5] == 1
