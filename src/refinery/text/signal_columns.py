"""The columns that the signals kernels write, in order: what each one is, its unit, where the definition is from.

Kernels find a column's place by its name: `ratios[RATIO.hash_ratio]`.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

TOP = (2, 3, 4)  # sizes whose most frequent n-gram is measured
# Sizes whose repeated n-grams are measured: 16 characters are ten words of Chinese or Japanese.
DUPLICATE = (5, 6, 7, 8, 9, 10, 16)

GOPHER = "Rae et al. 2021, arXiv 2112.11446, app. A1"
FINEWEB = "FineWeb, arXiv 2406.17557; datatrove's FineWebQualityFilter"
MAP_NEO = "MAP-NEO, Chinese cleaning pipeline"
C4 = "C4 in datatrove's reading, see refinery.text.c4"

COUNTS = {
    "words": "tokens that hold a letter, mark or digit",
    "symbols": "other tokens: a run of one repeated punctuation mark or symbol",
    "space_words": f"words as papers count them: what stands between white space ({GOPHER})",
    "max_word_length": "longest word, code points",
    "lines": "lines that are not blank",
    "paragraphs": "runs of lines between blank lines",
    "c4_sentences": f"sentences of the lines that C4 keeps ({C4})",
    "c4_lines": f"lines that C4 keeps ({C4})",
    "c4_lorem_ipsum": f'lines for whose "lorem ipsum" C4 drops the page ({C4})',
    "c4_curly_bracket": f'lines for whose "{{" C4 drops the page ({C4})',
    "c4_javascript_lines": f'lines that C4 drops for "javascript" ({C4})',
    "c4_policy_lines": f"lines that C4 drops for a phrase on policies or cookies ({C4})",
    "sentences": "sentence ends of every script (Unicode Sentence_Terminal, Tibetan and Thai marks)",
}
RATIOS = {
    "mean_word_length": f"code points a word ({GOPHER})",
    "mean_space_word_length": f"code points a word between white space ({GOPHER})",
    "unique_word_ratio": "different words / words",
    "unigram_entropy": "entropy of the words, nats (RedPajama-v2, rps_doc_unigram_entropy, in exact case)",
    "hash_ratio": f"# / tokens ({GOPHER}; datatrove's denominator: words and symbols)",
    "ellipsis_ratio": f'"..." and "…" / tokens ({GOPHER}; datatrove\'s denominator)',
    "alpha_word_ratio": f"tokens with a letter or mark / tokens ({GOPHER}; datatrove's denominator)",
    "alpha_space_word_ratio": f"words between white space with a letter or mark / such words ({GOPHER})",
    "letter_word_ratio": "words with a letter or mark / words",
    "hash_space_word_ratio": f"# / words between white space ({GOPHER})",
    "ellipsis_space_word_ratio": f'"..." and "…" / words between white space ({GOPHER})',
    "c4_curly_bracket_ratio": "c4_curly_bracket / lines",
    "newline_ratio": f"newlines / tokens ({FINEWEB})",
    "mean_line_length": "code points a line, over lines that are not blank",
    "bullet_line_ratio": "lines that begin with one of • - * ‣ ▶ ◀ ◦ ■ □ ▪ ▫ – / lines "
    f"({GOPHER}; blank lines do not count; datatrove: • and -)",
    "ellipsis_line_ratio": f"lines that end with an ellipsis / lines ({GOPHER}; blank lines do not count)",
    "line_punct_ratio": f"lines that end with a sentence terminal, closing marks after it aside, / lines ({FINEWEB})",
    "short_line_ratio": f"lines of at most 30 code points / lines ({FINEWEB})",
    "wrapped_line_ratio": "lines that end at a hard wrap, where the next word would not have fitted / lines",
    "unwrapped_line_ratio": f"lines that are not blank, hard wraps undone, / tokens (as newline_ratio of {FINEWEB})",
    "unwrapped_line_punct_ratio": "line_punct_ratio with hard wraps undone",
    "line_char_dup_ratio": f"code points of copied lines / code points but newlines ({FINEWEB})",
    "dup_line_frac": f"second and later copies of a line / lines ({GOPHER}; datatrove's reading)",
    "dup_line_char_frac": f"their code points / code points ({GOPHER}; datatrove's reading)",
    "dup_para_frac": f"second and later copies of a paragraph / paragraphs ({GOPHER}; datatrove's reading)",
    "dup_para_char_frac": f"their code points / code points ({GOPHER}; datatrove's reading)",
    **{
        f"top_{n}gram_char_frac": f"most frequent {n}-gram of tokens: code points joined by spaces, times count, "
        f"/ code points ({GOPHER}; datatrove's reading: one that occurs once counts too)"
        for n in (2, 3, 4)
    },
    **{
        f"dup_{n}gram_char_frac": f"code points of tokens inside any repeated {n}-gram / code points of tokens "
        f"({GOPHER}; as RedPajama-v2 and DCLM read it)"
        for n in DUPLICATE
    },
    **{
        f"dup_{n}gram_char_frac_greedy": f"code points of {n}-grams met again by a scan that steps over them "
        f"/ code points ({GOPHER}; datatrove's reading)"
        for n in DUPLICATE
    },
    "han_ratio": "Han letters / letters",
    "kana_ratio": "Hiragana and Katakana letters / letters",
    "hangul_ratio": "Hangul letters / letters",
    "thai_ratio": "Thai letters / letters",
    "latin_ratio": "Latin letters / letters",
    "cyrillic_ratio": "Cyrillic letters / letters",
    "arabic_ratio": "Arabic letters / letters",
    "devanagari_ratio": "Devanagari letters / letters",
    "upper_ratio": "upper-case letters / letters",
    "digit_ratio": "digits and other numbers (category N) / code points",
    "punct_ratio": "punctuation (category P) / code points",
    "fullwidth_punct_ratio": "full-width punctuation (East_Asian_Width F or W) / code points",
    "whitespace_ratio": "white space / code points",
    "bracket_ratio": f"code points inside 【】 / code points ({MAP_NEO})",
    "unique_char_ratio": f"different code points / code points ({MAP_NEO})",
    "char_entropy": f"entropy of the code points, nats ({MAP_NEO})",
}
# Ratios of what is no part of the other, and entropies: all others are at most 1.
UNBOUNDED = frozenset(
    name
    for name in RATIOS
    if name.startswith(("mean_", "top_", "hash_", "ellipsis_ratio", "ellipsis_space_"))
    or name.endswith("entropy")
    or name in {"newline_ratio", "unwrapped_line_ratio"}
)

# The place of each column, as named tuples, which Numba takes as constants.
COUNT: Any = namedtuple("COUNT", COUNTS)(*range(len(COUNTS)))
RATIO: Any = namedtuple("RATIO", RATIOS)(*range(len(RATIOS)))
