"""Every signal in plain Python, from its definition and with no code of the kernels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from itertools import pairwise

import regex

SPACE = r"\p{White_Space}"
NEWLINE = regex.compile(rf"(?:(?![\n\r\x85\u2028\u2029]){SPACE})*(?:\r\n|[\n\r\x85\u2028\u2029])")
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰﾞﾟ]")
BREAK = rf"[{SPACE}\p{{Cc}}\u200b]"
CITATION = re.compile(r"\[[0-9]*\]|\[edit\]|\[citation needed\]")
TERMINAL = r"[\p{Sentence_Terminal}\u0f0d-\u0f12\u0f14\u0e5a\u0e5b]"
CLOSING = r"[\p{Pe}\p{Pf}\p{Pi}\"'\p{Cf}\p{White_Space}](?<!\u200b)"
BULLETS = tuple("•-*‣▶◀◦■□▪▫–")
POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


@dataclass(frozen=True)
class Token:
    """A token and where it starts."""

    text: str
    at: int
    word: bool


@cache
def has(char: str, pattern: str) -> bool:
    """Whether a character matches a pattern."""
    return regex.fullmatch(pattern, char) is not None


def unspaced(char: str) -> bool:
    """A letter of a script without spaces."""
    return has(char, r"[\p{L}\p{Nl}]") and has(char, UNSPACED.pattern)


def spaced(char: str) -> bool:
    """A letter or digit of any other script."""
    return has(char, r"[\p{L}\p{N}]") and not unspaced(char)


def attached(char: str) -> bool:
    """A character that belongs to the token before it."""
    return has(char, r"(?!\u200b)[\p{M}\p{Cf}]")


def joins(joiner: str, last: str, following: str) -> bool:
    """Whether a joiner continues a word."""
    if not spaced(following) or has(joiner, BREAK):
        return False
    mid = r"\p{Word_Break=MidNumLet}\p{Word_Break=Single_Quote}"
    if (
        has(joiner, rf"[\p{{Word_Break=MidLetter}}{mid}]")
        and has(last, r"\p{L}")
        and has(following, r"\p{L}")
    ):
        return True
    if has(joiner, rf"[\p{{Word_Break=MidNum}}{mid}]") and has(last, r"\p{N}") and has(following, r"\p{N}"):
        return True
    return has(joiner, r"\p{Word_Break=ExtendNumLet}")


def segment(text: str) -> list[Token]:
    """The tokens of a text."""
    found, i = [], 0
    while i < len(text):
        start, char = i, text[i]
        i += 1
        if has(char, BREAK) or has(char, r"\p{Cf}"):
            continue
        word = has(char, r"[\p{L}\p{M}\p{N}]")
        if not word:
            while i < len(text) and text[i] == char:
                i += 1
        last, runs = char, word and not unspaced(char)
        while i < len(text):
            if attached(text[i]):
                pass
            elif runs and spaced(text[i]):
                last = text[i]
            elif not (runs and i + 1 < len(text) and joins(text[i], last, text[i + 1])):
                break
            i += 1
        found.append(Token(text[start:i], start, word))
    return found


def sentence_ends(line: str, tokens: Sequence[Token]) -> tuple[int, bool]:
    """Sentence ends of a line, given its tokens, and whether text follows the last."""
    cited = [match.span() for match in CITATION.finditer(line)]
    ends, state, text = 0, "", False
    events: list[tuple[int, Token | None]] = [(token.at, token) for token in tokens]
    inside = {i for token in tokens for i in range(token.at, token.at + len(token.text))}
    events += [(i, None) for i, char in enumerate(line) if i not in inside and has(char, BREAK)]
    for at, token in [*sorted(events, key=lambda event: event[0]), (len(line), None)]:
        if any(a <= at < b for a, b in cited):
            continue
        if token is None:
            if state == "maybe":
                ends, text = ends + 1, False
            state = ""
        elif token.word:
            state, text = "", True
        elif has(token.text[0], TERMINAL):
            if token.text[0].isascii() or has(token.text[0], r"\p{Word_Break=MidNumLet}"):
                state = state or "maybe"
            elif state != "sure":
                ends, state, text = ends + 1, "sure", False
        elif not has(token.text[0], r"[\p{Pe}\p{Pf}\p{Pi}\"']"):
            state = ""
    return ends, text


def ends_sentence(line: str) -> bool:
    """Whether a line ends with a terminal mark, closing marks aside."""
    return regex.search(rf"{TERMINAL}(?:{CLOSING})*$", line) is not None


def first_word(line: str) -> int:
    """Length of a line's first word, of a script without spaces of its first letter."""
    word = regex.split(rf"{SPACE}+", regex.sub(rf"^{SPACE}+", "", line))[0]
    return next((i + 1 for i, char in enumerate(word) if unspaced(char)), len(word))


def wrapped_lines(paragraphs: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a text hard-wrapped at a width after which the next word would not have fitted."""
    lengths = [len(line) for paragraph in paragraphs for line in paragraph]
    widths = [w for w in range(30, 121) if sum(length > w for length in lengths) * 20 <= len(lengths)]
    if (
        len(lengths) < 2
        or not widths
        or (widths[0] == 30 and sum(n > 29 for n in lengths) * 20 <= len(lengths))
    ):
        return []
    breaks = [pair for paragraph in paragraphs for pair in pairwise(paragraph)]
    found = [line for line, after in breaks if len(line) + 1 + max(first_word(after), 1) > widths[0]]
    return found if 3 * len(found) >= len(breaks) else []


def share(part: float, whole: float) -> float:
    """part / whole, 0 of nothing."""
    return part / whole if whole else 0.0


@cache
def exact_log(number: int) -> float:
    """Natural logarithm, rounded correctly; a libm's depends on the processor."""
    return float(Context(prec=40).ln(Decimal(number)))


def entropy(counts: Sequence[int]) -> float:
    """Entropy in nats of counted things."""
    total, weighted = sum(counts), 0.0
    for count in counts:
        if count > 1:
            weighted += count * exact_log(count)
    return max(exact_log(total) - weighted / total, 0.0) if total else 0.0


def duplicates(elements: Sequence[str]) -> tuple[int, int]:
    """Second and later copies, and their characters."""
    copies = [element for i, element in enumerate(elements) if element in elements[:i]]
    return len(copies), sum(map(len, copies))


def top_ngram(words: Sequence[str], n: int) -> int:
    """Length times count of the most frequent n-gram."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return 0
    gram, count = Counter(grams).most_common(1)[0]
    return len(" ".join(gram)) * count


def union_ngrams(words: Sequence[str], n: int) -> int:
    """Characters of the words inside any repeated n-gram."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    covered = {i + j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(n)}
    return sum(len(words[i]) for i in covered)


def greedy_ngrams(words: Sequence[str], n: int) -> int:
    """Characters of the n-grams that datatrove's scan meets again."""
    met, found, i = set(), 0, 0
    while i + n <= len(words):
        gram = tuple(words[i : i + n])
        if gram in met:
            found += len("".join(gram))
            i += n
        else:
            met.add(gram)
            i += 1
    return found


def c4(lines: Sequence[str], ends: Sequence[tuple[int, bool]]) -> Counter[str]:
    """C4's counts over lines that are not blank."""
    counts: Counter[str] = Counter()
    for line, (number, tail) in zip(lines, ends, strict=True):
        words = regex.split(rf"{SPACE}+", regex.sub(rf"^{SPACE}+|{SPACE}+$", "", line))
        bare = CITATION.sub("", line)
        bare = bare.rstrip(" \t\x0b\x0c") if "[" in line else bare
        low = re.sub("[A-Z]+", lambda match: match[0].lower(), bare)
        if max(map(len, words)) > 1000 or len(words) < 3:
            continue
        if not (bare.endswith(tuple("\"'”’»›」』")) or ends_sentence(bare)) or bare.endswith("..."):
            continue
        if "lorem ipsum" in low:
            counts["c4_lorem_ipsum"] += 1
        elif "javascript" in low:
            counts["c4_javascript_lines"] += 1
        elif "{" in low:
            counts["c4_curly_bracket"] += 1
        elif any(policy in low for policy in POLICIES):
            counts["c4_policy_lines"] += 1
        else:
            counts["c4_lines"] += 1
            counts["c4_sentences"] += number + tail
    return counts


def stop_words(tokens: Sequence[str], lists: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Different stop words of each language."""
    return {
        f"stop_words_{language}": sum(present(word, language, tokens) for word in words)
        for language, words in lists.items()
    }


def present(word: str, language: str, tokens: Sequence[str]) -> bool:
    """Whether a text with these tokens has a stop word."""
    if language == "ko":
        return any(token.endswith(word) for token in tokens)
    if word.endswith("'"):
        return any(token.startswith((word, word[0] + "’")) and len(token) > 2 for token in tokens)
    parts = [token.text for token in segment(word)]
    return any(tokens[i : i + len(parts)] == parts for i in range(len(tokens)))


def signals(raw: str, lists: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """All signals of a text."""
    text = regex.sub(rf"^{SPACE}+|{SPACE}+$", "", NEWLINE.sub("\n", raw))
    space_words = [(match.start(), match[0]) for match in regex.finditer(rf"[^{SPACE}]+", text)]
    tokens = segment(text)
    alphas = [token.at for token in tokens if token.word and regex.search(r"[\p{L}\p{M}]", token.text)]
    words = [token.text for token in tokens if token.word]
    all_lines = text.split("\n")
    lines = [line for line in all_lines if line]
    paragraphs = [p for p in re.split("\n{2,}", regex.sub(rf"^{SPACE}+|{SPACE}+$", "", text)) if p]
    wrapped = wrapped_lines([paragraph.split("\n") for paragraph in paragraphs])
    copies, copy_chars = duplicates(lines)
    paragraph_copies, paragraph_copy_chars = duplicates(paragraphs)
    ends = [sentence_ends(line, segment(line)) for line in lines]
    letters = [char for char in text if has(char, r"\p{L}")]
    count = Counter(text)
    ordered = sorted(count, key=lambda char: ord(char) if char.isascii() else 128)
    total = len(tokens)
    made: dict[str, float] = {
        "words": len(words),
        "symbols": total - len(words),
        "space_words": len(space_words),
        "max_word_length": max(map(len, words), default=0),
        "lines": len(lines),
        "paragraphs": len(paragraphs),
        **{
            f"c4_{name}": c4(lines, ends)[f"c4_{name}"]
            for name in (
                "sentences",
                "lines",
                "lorem_ipsum",
                "curly_bracket",
                "javascript_lines",
                "policy_lines",
            )
        },
        "sentences": sum(number for number, _ in ends),
        **stop_words([token.text for token in tokens], lists),
        "mean_word_length": share(sum(map(len, words)), len(words)),
        "unique_word_ratio": share(len(set(words)), len(words)),
        "unigram_entropy": entropy(list(Counter(words).values())),
        "hash_ratio": share(text.count("#"), total),
        "ellipsis_ratio": share(text.count("...") + text.count("…"), total),
        "alpha_word_ratio": share(
            sum(any(has(char, r"[\p{L}\p{M}]") for char in word) for word in words), total
        ),
        "mean_space_word_length": share(sum(len(word) for _, word in space_words), len(space_words)),
        "alpha_space_word_ratio": share(
            sum(any(a <= at < a + len(word) for at in alphas) for a, word in space_words), len(space_words)
        ),
        "letter_word_ratio": share(len(alphas), len(words)),
        "hash_space_word_ratio": share(text.count("#"), len(space_words)),
        "ellipsis_space_word_ratio": share(text.count("...") + text.count("…"), len(space_words)),
        "c4_curly_bracket_ratio": share(c4(lines, ends)["c4_curly_bracket"], len(lines)),
        "wrapped_line_ratio": share(len(wrapped), len(lines)),
        "unwrapped_line_ratio": share(len(lines) - len(wrapped), total),
        "unwrapped_line_punct_ratio": share(
            sum(map(ends_sentence, lines)) - sum(map(ends_sentence, wrapped)), len(lines) - len(wrapped)
        ),
        "newline_ratio": share(text.count("\n"), total),
        "mean_line_length": share(sum(map(len, lines)), len(lines)),
        "bullet_line_ratio": share(
            sum(regex.sub(rf"^{SPACE}+", "", line).startswith(BULLETS) for line in lines), len(lines)
        ),
        "ellipsis_line_ratio": share(sum(line.endswith(("...", "…")) for line in lines), len(lines)),
        "line_punct_ratio": share(sum(map(ends_sentence, lines)), len(lines)),
        "short_line_ratio": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "line_char_dup_ratio": share(copy_chars, len(text.replace("\n", ""))),
        "dup_line_frac": share(copies, len(lines)),
        "dup_line_char_frac": share(copy_chars, len(text)),
        "dup_para_frac": share(paragraph_copies, len(paragraphs)),
        "dup_para_char_frac": share(paragraph_copy_chars, len(text)),
    }
    texts = [token.text for token in tokens]
    for n in (2, 3, 4):
        made[f"top_{n}gram_char_frac"] = share(top_ngram(texts, n), len(text))
    for n in (5, 6, 7, 8, 9, 10, 16):
        made[f"dup_{n}gram_char_frac"] = share(union_ngrams(texts, n), sum(map(len, texts)))
        made[f"dup_{n}gram_char_frac_greedy"] = share(greedy_ngrams(texts, n), len(text))
    kana = r"[\p{Hiragana}\p{Katakana}ーｰﾞﾟ]"
    scripts = {"han": r"\p{Han}", "kana": kana} | {
        name: rf"\p{{{name}}}" for name in ("hangul", "thai", "latin", "cyrillic", "arabic", "devanagari")
    }
    for name, pattern in scripts.items():
        made[f"{name}_ratio"] = share(sum(has(char, pattern) for char in letters), len(letters))
    made["upper_ratio"] = share(sum(has(char, r"\p{Lu}") for char in letters), len(letters))
    wide = r"\p{P}(?<=[\p{East_Asian_Width=F}\p{East_Asian_Width=W}])"
    for name, pattern in {
        "digit_ratio": r"\p{N}",
        "punct_ratio": r"\p{P}",
        "fullwidth_punct_ratio": wide,
        "whitespace_ratio": SPACE,
    }.items():
        made[name] = share(sum(has(char, pattern) for char in text), len(text))
    made["bracket_ratio"] = share(sum(map(len, re.findall("【([^】]*)】", text))), len(text))
    made["unique_char_ratio"] = share(len(count), len(text))
    made["char_entropy"] = entropy([count[char] for char in ordered])
    return made
