import pytest

from refinery.filters.language import Settings, build
from refinery.text.batch import TextBatch
from tests.udhr import SENTENCES


def measure(text: str) -> dict[str, object]:
    return build(Settings())(TextBatch.from_texts([text])).to_pylist()[0]


@pytest.mark.parametrize(
    ("text", "lang", "by"),
    [
        # capitals
        (SENTENCES["eng"].upper(), "en", "case"),
        (SENTENCES["fra"].upper(), "fr", "case"),
        (SENTENCES["rus"].upper(), "ru", "case"),
        ("USA and NATO agreed on it.", "en", "model"),
        # in no language
        ("https://www.example.com/articles/2016/03/view.html?id=123&ref=home", "und", "form"),
        ("aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBsb25nIHRleHQ2NDo5OTk=", "und", "form"),
        ("d41d8cd98f00b204e9800998ecf8427ee3b0c44298fc1c149afbf4c8", "und", "form"),
        ("ACGTTGCAACGTAGCTAGCTAGCATCGATCGATCAGCTACGATCAG", "und", "form"),
        ("var a=b.c(d),e=f[g];h.i(j,k).l=m?n:o", "und", "form"),
        ("See https://example.com/a/b/c for the whole report on it.", "en", "model"),
        (SENTENCES["fin"], "fi", "model"),
        # Chinese that the model takes for Japanese
        ("学而时习之", "zh", "script"),
        ("太陽之為病，脈浮", "zh", "script"),
        ("人人有權享受法律", "zh", "script"),
        # Japanese without kana
        ("首相官邸会見", "ja", "script"),
        ("東京駅前広場", "ja", "model"),
        ("衆院解散総選挙実施", "ja", "model"),
        (SENTENCES["jpn"], "ja", "model"),
        (SENTENCES["kor"], "ko", "model"),
        (SENTENCES["cmn"], "zh", "model"),
        # Cantonese and Wu
        (SENTENCES["yue"], "yue", "characters"),
        ("今朝天气蛮好，侬要勿要搭阿拉一道去？搿个事体侬晓得伐，伲屋里向人侪晓得。", "wuu", None),
        # scripts of no language of the model
        ("ꊿꂷꈀꐥꌠꃅꋍꉜꐨꐥꌠꌋꆀ", "und", "script"),
        ("Ꮒꭶꮫ ꭰꮒᏼꮻ ꭴꮒꮂ ꮎꮝꭹ", "und", "script"),
    ],
)  # fmt: skip
def test_the_writing_of_a_text_decides_where_the_model_is_wrong(text: str, lang: str, by: str | None) -> None:
    """Each correction on short texts of its kind, and on texts beside it that it must leave alone."""
    row = measure(text)
    assert row["lang"] == lang and by in (None, row["lang_by"]), row
    assert (row["lang_score"] == 0) == (lang == "und")


@pytest.mark.parametrize("code", [code for code in SENTENCES if code not in ("yue", "hye")])
def test_ordinary_text_is_left_to_the_model(code: str) -> None:
    """Sentences of 50 languages keep fastText's label and probability."""
    row = measure(SENTENCES[code])
    assert row["lang_by"] == "model"
    assert (row["lang"], row["lang_score"]) == (row["lang_model"], row["lang_model_score"])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (SENTENCES["cmn"], "Hans"),
        ("人人有權享受法律的平等保護", "Hant"),
        ("天地人心", "Hani"),
        (SENTENCES["jpn"], "Jpan"),
        (SENTENCES["kor"], "Kore"),
        (SENTENCES["rus"], "Cyrl"),
        ("Svi su ljudi jednaki", "Latn"),
        (SENTENCES["amh"], "Ethi"),
        ("𐎀𐎁𐎂 𐎃𐎄", "Zyyy"),
        ("42", "Zyyy"),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, script: str) -> None:
    """Chinese by its forms, Japanese and Korean with the Han characters in them."""
    assert measure(text)["lang_script"] == script
