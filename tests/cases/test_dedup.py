"""What is a copy and what is a version, in both scripts: by the settings that docs/dedup.md has for it."""

import random

import pyarrow as pa
import pytest

import refinery

VERSIONS = {"similarity": 0.7, "words": 3, "chars": 6, "measure": "containment", "keep_versions": True}
HAN = [chr(code) for code in range(0x4E00, 0x5200)]
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


def sentence(rng: random.Random, script: str) -> str:
    """Of 20 words, or of 30 characters."""
    if script == "zh":
        return "".join(rng.choices(HAN, k=30)) + "。"
    return " ".join("".join(rng.choices(SYLLABLES, k=rng.randrange(1, 5))) for _ in range(20)) + ". "


def article(seed: int, script: str) -> list[str]:
    rng = random.Random(seed)
    return [sentence(rng, script) for _ in range(40)]


def scanned(text: str, rng: random.Random) -> str:
    """One letter in a hundred is another."""
    return "".join(
        rng.choice(HAN if char > "\u3000" else "aeiou") if char.isalpha() and rng.random() < 0.01 else char
        for char in text
    )


def copy_of(kind: str, parts: list[str], script: str) -> tuple[str, str]:
    """A text and what is like it."""
    rng, text = random.Random(7), "".join(parts)
    match kind:
        case "repost":
            ends = ["".join(sentence(rng, script) for _ in range(3)) for _ in range(4)]
            return ends[0] + text + ends[1], ends[2] + text + ends[3]
        case "scan":
            return text, scanned(text, rng)
        case "moved":
            return text, "".join(parts[:10] + parts[30:] + parts[10:30])
        case "excerpt":
            return text, "".join(parts[:28])
        case "amended":
            for place in (9, 20, 31):
                parts[place] = sentence(rng, script)
        case "added":
            parts.insert(20, sentence(rng, script))
        case "repealed":
            del parts[20]
    return text, "".join(parts)


@pytest.mark.parametrize("script", ["en", "zh"])
def test_copies_go_and_versions_stay(script):
    """Ten of each kind: reposts, scans, excerpts and texts in another order go, what says otherwise stays."""
    kinds = {"repost": 10, "scan": 10, "moved": 10, "excerpt": 10, "amended": 0, "added": 0, "repealed": 0}
    rows = [
        {"text": text, "kind": kind}
        for kind in kinds
        for seed in range(10)
        for text in copy_of(kind, article(hash_of(kind, seed), script), script)
    ]
    found = refinery.duplicates(pa.Table.from_pylist(rows), near=VERSIONS).to_pylist()
    gone = dict.fromkeys(kinds, 0)
    for row in found:
        assert row["duplicate_of_row"] == row["row"] - 1
        assert 0.7 <= row["similarity"] < 1
        gone[rows[row["row"]]["kind"]] += 1
    assert gone == kinds


def hash_of(kind: str, seed: int) -> int:
    return int.from_bytes(kind.encode()) * 100 + seed


def test_a_statute_with_three_amended_sentences_stays_where_versions_are_kept():
    """At the default it is a copy, in Chinese, and the similarity on record is the exact one."""
    pair = copy_of("amended", article(1, "zh"), "zh")
    (copy,) = refinery.duplicates(pair, near={}).to_pylist()
    assert 0.8 <= copy["similarity"] < 0.9
    assert refinery.duplicates(pair, near={"keep_versions": True}).num_rows == 0


def test_an_excerpt_goes_for_its_original_where_an_amended_version_is_preferred():
    """Where the two have one signature too, as versions of a long text often have; both stay."""
    for seed in range(10):
        parts = article(seed, "zh")
        amended = [*parts[:15], sentence(random.Random(seed + 100), "zh")[:10], *parts[15:]]
        texts = ["".join(part) for part in (amended, parts, parts[:28])]
        found = refinery.duplicates(texts, near=VERSIONS).to_pylist()
        assert [(row["row"], row["duplicate_of_row"]) for row in found] == [(2, 1)]


def test_traditional_and_simplified_chinese_are_one_where_it_is_asked_for():
    """Whole texts and near copies; not without it, and not characters that two texts do not share."""
    traditional = "戰國時代的語言與文字，各國不同，秦統一天下後，書同文，車同軌，廢除與秦文不合的異體字。"
    simplified = "战国时代的语言与文字，各国不同，秦统一天下后，书同文，车同轨，废除与秦文不合的异体字。"
    other = simplified + "此后隶书通行。"
    texts = [traditional, simplified, other, simplified.replace("秦", "楚")]
    near = {"similarity": 0.6}
    assert refinery.duplicates(texts, near=near).column("row").to_pylist() == [2]
    found = refinery.duplicates(texts, near=near, fold="simplified").to_pylist()
    assert [(row["row"], row["rule"], row["duplicate_of_row"]) for row in found] == [
        (1, "dedup.exact", 0),
        (2, "dedup.near", 0),
    ]
    assert refinery.duplicates(texts, fold="simplified").column("row").to_pylist() == [1]
