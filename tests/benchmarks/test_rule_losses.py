"""The benchmark of what rule sets lose."""

import random

import polars as pl
import pytest
from junk import beside, made_of, mojibake, repeated, word_salad
from rule_losses import dropped, load, named, sheets

ENGLISH = (
    "The court held that the buyer could rescind the contract because the goods did not match the sample. "
)
GERMAN = "Der Käufer kann von dem Vertrag zurücktreten, wenn die Ware nicht für den Zweck geeignet ist."


def article(sentence, seed):
    """Thirty different sentences of the same words, in paragraphs of five."""
    rng, words = random.Random(seed), sentence.split()
    sentences = [" ".join(rng.sample(words, len(words))).capitalize().strip(".,") + "." for _ in range(30)]
    return "\n".join(" ".join(sentences[i : i + 5]) for i in range(0, 30, 5))


def test_junk_is_made_of_what_it_is_given():
    """Each kind, on texts of two languages and a page."""
    rng = random.Random(1)
    page = "<body><nav><a href=/>Home page</a></nav><main><p>The main text of the page.</p></main></body>"
    assert beside(page, "The main text of the page.").split() == ["Home", "page"]
    assert mojibake(GERMAN, rng) != GERMAN
    assert set(word_salad([ENGLISH], rng, 50).split()) <= set(ENGLISH.split())
    assert set(word_salad(["汉字的文本"], rng, 50)) <= set("汉字的文本")
    lines = repeated(ENGLISH, rng).splitlines()
    assert len(lines) >= 5
    assert len({line.rstrip("0123456789 ") for line in lines}) == 1
    kinds = made_of([ENGLISH], [GERMAN * 2], [], 8)
    assert {kind: len(texts) for kind, texts in kinds.items()} == {
        "boilerplate": 0, "mojibake": 1, "other_language": 8, "word_salad": 8, "repeated": 8,
    }  # fmt: skip
    assert kinds == made_of([ENGLISH], [GERMAN * 2], [], 8)


def test_good_text_is_kept_and_repeated_text_dropped(tmp_path):
    """Files named by kind and language in, tables of sets and of rules out."""
    files = []
    for name, sentence in (("law-en", ENGLISH), ("law-de", GERMAN)):
        file = tmp_path / f"{name}.parquet"
        pl.DataFrame({"text": [article(sentence, seed) for seed in range(8)]}).write_parquet(file)
        files.append(f"law={name[-2:]}={file}")
    corpora = load(files, [], [], 8)
    found = dropped([one for one in corpora if one.language == "en"], "gopher+c4")
    assert not found["law"]["any rule"].any()
    assert found["repeated"]["any rule"].all()
    assert found["other_language"]["gopher.stop_words"].all()
    made = sheets(corpora, {"en": ("gopher", "gopher+c4"), "de": ("de",)})
    titles = [sheet.title for sheet in made]
    assert titles[0] == "en: % of documents / tokens dropped"
    assert titles[2:] == ["gopher: each rule alone", "de: each rule alone"]
    assert made[0].rows[0][:2] == ("gopher", "0.0 / 0.0")


def test_a_file_without_a_language_is_an_error():
    """The form is told."""
    assert named("law=zh=x/laws=1.parquet") == ("law", "zh", "x/laws=1.parquet")
    with pytest.raises(SystemExit, match="expected NAME=LANGUAGE=FILE"):
        named("laws.parquet")
