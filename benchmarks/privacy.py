"""Personal data: precision and recall on planted text, finds in text as it is, beside datatrove and presidio.

    python benchmarks/privacy.py DATA... [--plants 200]

Plants are of faker (English, Chinese, German, French) and public forms, each in a sentence of its language; as many
sentences hold what only looks like them. A find is right if it has the plant's kind and every character of it, and at
most two around it. DATA (Parquet with `text`): finds per MB by kind, and the speed beside that of `signals`, on one
core.
Peers that are not installed are named; datatrove knows addresses of e-mail and IP alone.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from faker import Faker
from harness import Sheet, documents, number, pin_to_one_core, repeat, report

from refinery.filters.registry import measurer, transform
from refinery.text.batch import TextBatch
from refinery.text.pii import KINDS, find

Found = list[tuple[str, int, int]]  # kind, start and end in characters
Finder = Callable[[str], Found]
SENTENCES = {
    "en_US": ("Please contact us: {}, as soon as you can.", "In 2021 the report said ({}) and more."),
    "zh_CN": ("请联系{}，谢谢。", "根据《办法》第3条（{}）的规定。"),
    "de_DE": ("Bitte schreiben Sie an {}, sobald es geht.", "Nach § 5 ({}) gilt das nicht."),
    "fr_FR": ("Veuillez noter {}, merci beaucoup.", "Selon l'article 5 ({}) du code."),
}
WORDS = {"en_US": "phone ", "zh_CN": "电话", "de_DE": "Telefon ", "fr_FR": "téléphone "}
TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
NEGATIVES = (
    lambda r: f"{r.randint(1, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}.{r.randint(0, 99)}",  # versions
    lambda r: (
        f"{r.randint(1990, 2025)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(0, 23):02}:30:15"
    ),
    lambda r: (
        f"10.{r.randint(1000, 9999)}/s{r.randint(10000, 99999)}-0{r.randint(10, 99)}-{r.randint(10000, 99999)}-1"
    ),
    lambda r: f"ISBN 978-{r.randint(0, 9)}-{r.randint(100, 999)}-{r.randint(10000, 99999)}-{r.randint(0, 9)}",
    lambda r: f"No. {r.randint(10, 23)}-{r.randint(100, 9999)}",
    lambda r: f"({r.randint(2010, 2024)})京{r.randint(1, 9):02}民终{r.randint(100, 99999)}号",
    lambda r: f"PMID: {r.randint(10**7, 4 * 10**7)}",
    lambda r: f"{r.randint(5, 900)} mg/{r.randint(2, 9)}-{r.randint(10, 20)} h",
    lambda r: f"192.168.{r.randint(0, 255)}.{r.randint(1, 254)}",
    lambda r: f"{r.randint(10**9, 2 * 10**9)}",  # seconds since 1970
    lambda r: f"{r.randint(1, 999)},{r.randint(100, 999)},{r.randint(100, 999)}.{r.randint(10, 99)}",
    lambda r: f"{r.getrandbits(160):040x}",  # a commit
)


@dataclass(frozen=True)
class Planted:
    """A text, and what was planted in it: kind, start and end in characters; none for a negative."""

    text: str
    plant: tuple[str, int, int] | None


def plants(fake: Faker, locale: str, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Kind, the words before and a plant, one of each kind that is in use where the language is."""
    yield "email", "", fake.email()
    phone = fake.phone_number()
    while any(code in phone[:7] for code in TOLL_FREE):
        phone = fake.phone_number()
    yield "phone", WORDS[locale], phone
    yield "ip", "IP ", fake.ipv4_public()
    yield "card", "", card_number(rng)
    yield "secret", "", "AKIA" + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    if locale == "zh_CN":
        yield "cn_id", "", fake.ssn()
        yield "record", "住院号", f"ZY{rng.randint(10**6, 10**8)}"
    if locale == "en_US":
        yield "ssn", "SSN ", fake.ssn()
        yield "record", "MRN: ", str(rng.randint(10**6, 10**8))
    if locale in ("de_DE", "fr_FR"):
        yield "iban", "", fake.iban()


def card_number(rng: random.Random) -> str:
    """Sixteen digits of Visa or Mastercard with the check digit, in groups of four or not."""
    body = rng.choice("45") + str(rng.randint(1, 5)) + "".join(rng.choices("0123456789", k=13))
    total = sum(int(digit) if i % 2 else sum(divmod(2 * int(digit), 10)) for i, digit in enumerate(body))
    card = body + str(-total % 10)
    return rng.choice((card, " ".join(card[i : i + 4] for i in range(0, 16, 4))))


def planted(count: int, seed: int = 1) -> list[Planted]:
    """About `count` plants of each language, and as many sentences without any."""
    rng, found = random.Random(seed), []
    for locale, (sentence, other) in SENTENCES.items():
        fake = Faker(locale)
        fake.seed_instance(seed)
        here = 0
        while here < count:
            for kind, words, plant in plants(fake, locale, rng):
                text = sentence.format(words + plant)
                start = text.index(plant)
                found.append(Planted(text, (kind, start, start + len(plant))))
                found.append(Planted(other.format(rng.choice(NEGATIVES)(rng)), None))
                here += 1
    return found


def refinery(text: str) -> Found:
    found, data = find(TextBatch.from_texts([text])), text.encode()
    places = zip(found.kind.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
    return [(KINDS[kind], len(data[:a].decode()), len(data[:b].decode())) for kind, a, b in places]


def datatrove() -> Finder:
    """Its PIIFormatter's own patterns; raises ImportError where it is not installed."""
    from datatrove.pipeline.formatters import PIIFormatter

    formatter = PIIFormatter()
    replacers = {"email": formatter.emails_replacer, "ip": formatter.ip_replacer}

    def finder(text: str) -> Found:
        return [
            (kind, m.start(), m.end())
            for kind, one in replacers.items()
            for m in one.regex.finditer(text)
            if not one.validator or one.validator(m[0])
        ]

    return finder


def presidio() -> Finder:
    """Its pattern recognisers without a language model; raises ImportError where it is not installed."""
    from presidio_analyzer import predefined_recognizers as known

    classes = {
        "email": known.EmailRecognizer,
        "phone": known.PhoneRecognizer,
        "ip": known.IpRecognizer,
        "card": known.CreditCardRecognizer,
        "iban": known.IbanRecognizer,
        "ssn": known.UsSsnRecognizer,
    }
    recognisers = {kind: made() for kind, made in classes.items()}

    def finder(text: str) -> Found:
        return [
            (kind, found.start, found.end)
            for kind, one in recognisers.items()
            for found in one.analyze(text, one.supported_entities, None)
            if found.score >= 0.4
        ]

    return finder


def judged(name: str, finder: Finder, sentences: list[Planted]) -> tuple[list[tuple[object, ...]], int]:
    """A row a kind: plants, found, finds of that kind, right ones as shares; and the finds in negatives."""
    plants, right, finds, wrong = Counter[str](), Counter[str](), Counter[str](), 0
    for sentence in sentences:
        found = finder(sentence.text)
        finds.update(kind for kind, _, _ in found)
        if sentence.plant is None:
            wrong += len(found)
            continue
        kind, start, end = sentence.plant
        plants[kind] += 1
        right[kind] += any(k == kind and start - 2 <= a <= start and end <= b <= end + 2 for k, a, b in found)
    rows = [
        (name, kind, plants[kind], f"{right[kind] / plants[kind]:.3f}", _share(right[kind], finds[kind]))
        for kind in KINDS
        if plants[kind]
    ]
    total = right.total()
    rows.append((name, "all", plants.total(), f"{total / plants.total():.3f}", _share(total, finds.total())))
    return rows, wrong


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def against_plants(count: int) -> Sheet:
    """Recall and precision by finder and kind."""
    sentences = planted(count)
    rows: list[tuple[object, ...]] = []
    notes = []
    for name, make in (("refinery", lambda: refinery), ("datatrove", datatrove), ("presidio", presidio)):
        try:
            finder = make()
        except ImportError:
            notes.append(f"{name} is not installed")
            continue
        found, wrong = judged(name, finder, sentences)
        rows += found
        notes.append(f"{name}: {wrong} finds in {len(sentences) // 2} sentences without personal data")
    return Sheet("Planted", ("finder", "kind", "plants", "recall", "precision"), rows, tuple(notes))


def untouched(files: list[str]) -> list[Sheet]:
    """Finds per MB of each file, and MB/s beside `signals`."""
    rows: list[tuple[object, ...]] = []
    speeds: list[tuple[object, ...]] = []
    for file in files:
        text = documents([file]).combine_chunks()
        batch = TextBatch.from_arrow(text)
        size = batch.nbytes / 1e6
        counts = Counter(KINDS[kind] for kind in find(batch).kind.tolist())
        rows.append((file, number(size), *(f"{counts[kind] / size:.2f}" for kind in KINDS)))
        jobs = (
            partial(measurer("signals", {}), batch),
            partial(measurer("pii", {}), batch),
            partial(transform("pii", {}), text),
        )
        speeds.append((file, *(number(size / repeat(job, 3).median) for job in jobs)))
    return [
        Sheet("Finds per MB of text as it is", ("file", "MB", *KINDS), rows),
        Sheet("MB/s on one core", ("file", "signals", "pii, measured", "pii, replaced"), speeds),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*")
    parser.add_argument("--plants", type=int, default=200, help="of each language")
    parser.add_argument("--json")
    args = parser.parse_args()
    pin_to_one_core()
    sheets = [against_plants(args.plants), *(untouched(args.data) if args.data else ())]
    report("Personal data", sheets, args.json)


if __name__ == "__main__":
    main()
