"""Odd texts, scripts without spaces, line ends and language codes through the whole run."""

import math
from pathlib import Path

import fasttext
import pyarrow.parquet as pq
import pytest

from tests import conftest
from tests.cases import run, write_jsonl
from tests.conftest import document
from tests.udhr import SENTENCES

ARTICLE = "\n".join(conftest.SENTENCES)  # passes every English rule set

ODD = {
    "empty": "",
    "space": " ",
    "newlines": "\n\n",
    "exclaim": "!!!",
    "ellipsis": "…",
    "hashes": "#" * 50,
    "invisible": "\u200b" * 100,
    "emoji": "\U0001f600",
    "digits": "123",
    "null": None,
}


def measurements(folder: Path) -> list[dict[str, object]]:
    """Every measured row of a run, a dictionary a document of its only shard."""
    files = sorted((folder / ".refinery").rglob("measured-*.parquet"))
    tables = [pq.read_table(file).to_pylist() for file in files]
    return [{k: v for part in parts for k, v in part.items()} for parts in zip(*tables, strict=True)]


@pytest.mark.parametrize("fewest", ["by default", "without a minimum"])
def test_odd_texts_are_dropped_by_a_named_rule(tmp_path, refinery, fewest):
    """Nothing but spaces, signs, emoji or invisible characters: no error, no NaN, language `und` with score 0."""
    rows = [{"id": name, "text": text} for name, text in ODD.items()]
    write_jsonl(tmp_path / "in" / "a.jsonl", [*rows, {"id": "good", "text": ARTICLE}])
    without = [] if fewest == "by default" else ["short", "short_words"]
    keep = [{"rules": "gopher", "without": without}, {"rules": "fineweb"}, {"rules": "c4"}]
    stage = {"measure": ["language", "signals"], "keep": keep}
    ran = run(refinery, tmp_path, stage=stage, output={"measurements": ["lang", "words"]})
    outcomes = ran.outcomes
    assert outcomes.pop("good") == "kept"
    assert outcomes.pop("a.jsonl:9") == "null_text"
    assert outcomes.keys() == ODD.keys() - {"null"}
    if fewest == "by default":
        assert set(outcomes.values()) == {"gopher.short"}
    else:
        assert all(rule.startswith(("gopher.", "fineweb.", "c4.")) for rule in outcomes.values())
    measured = measurements(tmp_path)
    assert len(measured) == len(ODD)
    numbers = [value for row in measured for value in row.values() if isinstance(value, float)]
    assert len(numbers) > 300
    assert all(math.isfinite(value) for value in numbers)
    assert None not in [value for row in measured for value in row.values()]
    assert {(row["lang"], row["lang_score"]) for row in measured[:-1]} == {("und", 0.0)}


def test_text_without_spaces_is_neither_too_short_nor_one_long_word(tmp_path, refinery):
    """300 characters of Chinese, Japanese, Thai, Khmer, Burmese beside English: each by its own language's rules."""
    codes = {"cmn": "zh", "jpn": "ja", "tha": "th", "khm": "km", "mya": "my"}
    rows = [
        {"id": short, "text": "\n".join(f"{part}{SENTENCES[code]}" for part in "一二三四")[:400]}
        for code, short in codes.items()
    ]
    rows.append({"id": "en", "text": document(3)})
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    enough = {"enough": "words >= 50 AND mean_word_length <= 10 AND max_word_length <= 100"}
    stage = {"measure": ["language", "signals"], "keep": [enough, "gopher", "zh", "ja", "th"]}
    ran = run(refinery, tmp_path, stage=stage)
    assert {name: row["lang"] for name, row in ran.rows.items() if name == "en"} == {"en": "en"}
    for name, decision in ran.decisions.items():
        failed = set(decision["failed"] or ())
        assert not {rule for rule in failed if rule.endswith((".short", ".long_words", "enough"))}, name
        assert {rule.partition(".")[0] for rule in failed} <= {name}
    langs = {row["lang"] for row in measurements(tmp_path)}
    assert langs == {*codes.values(), "en"}


def test_line_ends_and_trailing_spaces_change_no_verdict(tmp_path, refinery):
    """An article and a repetitive page with LF, CRLF and a space before each newline: same scores, same rule."""
    good, bad = ARTICLE, "Click here to read more about it.\n" * 6 + ARTICLE
    forms = {"lf": "\n", "crlf": "\r\n", "cr": "\r", "spaced": " \n"}
    rows = [
        {"id": f"{kind}-{form}", "text": text.replace("\n", newline)}
        for kind, text in {"good": good, "bad": bad}.items()
        for form, newline in forms.items()
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    stage = {"measure": ["language", "signals"], "keep": ["fineweb", "gopher", "c4"]}
    ran = run(refinery, tmp_path, stage=stage)
    failed = {name: (row["rule"], row["failed"]) for name, row in ran.decisions.items()}
    assert {failed[f"good-{form}"] for form in forms} == {(None, None)}
    assert all(failed[f"bad-{form}"] == failed["bad-lf"] for form in forms)
    assert failed["bad-lf"][0] is not None
    of_text = {"bytes", "chars", "tokens"}
    measured = [{k: v for k, v in row.items() if k not in of_text} for row in measurements(tmp_path)]
    assert all(row == measured[0] for row in measured[:4])
    assert all(row == measured[4] for row in measured[4:])


@pytest.mark.parametrize("code", ["eng", "EN", "English", "eng_Latn", "xx"])
def test_a_language_code_that_the_model_cannot_give_is_refused(tmp_path, refinery, code):
    """Before any work, with the place and what there is; never an empty corpus."""
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": "a", "text": ARTICLE}])
    stage = {"measure": ["language"], "keep": [{"english": f"lang = '{code}'"}]}
    ran = run(refinery, tmp_path, stage=stage, expect=2)
    assert "stages.corpus.keep.0.english" in ran.err
    assert f"'{code}'" in ran.err
    assert not (tmp_path / ".refinery").exists()


def test_another_models_labels_become_the_same_codes(tmp_path, refinery):
    """A model with labels such as eng_Latn: `en` keeps English, and language, score and script are in the output."""
    names = {"eng": "eng_Latn", "arb": "arb_Arab", "rus": "rus_Cyrl"}
    lines = [
        f"__label__{label} {SENTENCES[code][n : n + 60]}" for code, label in names.items() for n in range(60)
    ]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    trained = fasttext.train_supervised(
        str(tmp_path / "train.txt"),
        dim=16,
        minn=1,
        maxn=3,
        bucket=2000,
        epoch=25,
        lr=0.8,
        thread=1,
        verbose=0,
    )
    trained.save_model(str(tmp_path / "glot.bin"))
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": code, "text": SENTENCES[code]} for code in names])
    measure = [{"language": {"model": {"file": "glot.bin"}}}]
    output = {"measurements": ["lang", "lang_score", "lang_script"]}
    stage = {"measure": measure, "keep": [{"chosen": "lang IN ('en', 'ar')"}]}
    ran = run(refinery, tmp_path, stage=stage, output=output)
    assert ran.outcomes == {"eng": "kept", "arb": "kept", "rus": "chosen"}
    assert {row["lang"]: row["lang_script"] for row in ran.rows.values()} == {"en": "Latn", "ar": "Arab"}
    assert all(0.5 < row["lang_score"] <= 1 for row in ran.rows.values())
    refused = run(
        refinery, tmp_path, stage={"measure": measure, "keep": [{"german": "lang = 'de'"}]}, expect=2
    )
    assert "'de'" in refused.err


def test_language_and_score_are_in_the_output(tmp_path, refinery):
    """A user who keeps Arabic has the language and its score beside every document."""
    codes = ["arb", "eng", "heb", "pes"]
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": code, "text": SENTENCES[code]} for code in codes])
    ran = run(refinery, tmp_path, stage={"measure": ["language"], "keep": [{"arabic": "lang = 'ar'"}]})
    assert {name: row["lang"] for name, row in ran.rows.items()} == {"arb": "ar"}
    assert ran.rows["arb"]["lang_score"] > 0.5
    assert ran.outcomes["eng"] == "arabic"
