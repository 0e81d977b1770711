"""The sources of the goldens, made on the spot and the same each time.

English, Chinese and fifty other languages; Parquet, JSON Lines and WARC; copies within a source and across them, near
copies of every similarity, documents of one signature, pages that break the rules, rows that cannot be read.
"""

import gzip
import json
from pathlib import Path

import zstandard

from tests.cases import write_jsonl
from tests.conftest import SENTENCES, chinese_document, document, write_parquet
from tests.sources.archives import members, page, record, response
from tests.udhr import SENTENCES as UDHR

Row = dict[str, object]


def make(folder: Path) -> None:
    """Writes every source below `folder`."""
    books = _books()
    for number in range(2):
        write_parquet(folder / "books" / f"{number}.parquet", books[number::2])
    crawl = _crawl()
    write_jsonl(folder / "crawl" / "a.jsonl", [*crawl[0::2], *_BAD])
    plain = write_jsonl(folder / "crawl" / "b.jsonl", crawl[1::2])
    (folder / "crawl" / "b.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    write_jsonl(folder / "noise" / "noise.jsonl", _noise())
    write_parquet(folder / "laws" / "laws.parquet", _laws())
    world = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _world())
    (folder / "world").mkdir()
    (folder / "world" / "world.jsonl.zst").write_bytes(zstandard.compress(world.encode()))
    (folder / "web").mkdir()
    (folder / "web" / "web.warc.gz").write_bytes(_web())
    write_jsonl(folder / "records" / "records.jsonl", _records())


def altered(seed: int, lines: int, of: int = 30) -> str:
    """The document of `seed` with some of its lines replaced: the more, the less alike."""
    texts, others = document(seed, of).split("\n"), document(seed + 5000, of).split("\n")
    for n in range(lines):
        texts[n * of // max(lines, 1)] = others[n]
    return "\n".join(texts)


def cycle(start: int, times: int) -> str:
    """Sentences over and over: any number of times gives the same shingles, so one signature."""
    return "\n".join(SENTENCES[(start + n) % 3] for n in range(3 * times))


def _books() -> list[Row]:
    rows: list[Row] = [{"id": f"b{n}", "text": document(n, 8 + n % 9), "year": 1950 + n} for n in range(40)]
    rows += [{"id": f"long{n}", "text": document(100 + n, 30), "year": 1990 + n} for n in range(16)]
    rows += [{"id": f"loud{n}", "text": document(n, 8 + n % 9).upper(), "year": 2000} for n in range(4)]
    rows += [{"id": f"edition{n}", "text": altered(100 + n, 2), "year": 2001} for n in range(4)]
    rows += [{"id": f"cycle{n}", "text": cycle(0, 6 + n), "year": None} for n in range(4)]
    return rows


def _crawl() -> list[Row]:
    rows: list[Row] = [
        {"id": f"c{n}", "text": document(200 + n, 6 + n % 12), "url": f"https://site{n % 5}.org/{n}"}
        for n in range(30)
    ]
    rows += [
        {"id": f"copy{n}", "text": "\r\n\r\n".join(document(2 * n, 8 + 2 * n % 9).split("\n")) + " \r\n"}
        for n in range(10)
    ]
    rows += [{"id": f"near{n}", "text": altered(100 + n, n)} for n in range(16)]
    rows += [{"id": f"chain{n}", "text": altered(300, 3 * n)} for n in range(5)]
    rows += [{"id": f"cycle{n}", "text": cycle(n, 8)} for n in range(3)]
    rows += [{"id": f"short{n}", "text": f"Only a few words, number {n}."} for n in range(4)]
    rows += [{"id": "empty", "text": ""}, {"id": "c0", "text": document(260)}, {"text": document(261)}]
    return rows


_BAD = (
    "not JSON", '["no", "object"]', '{"id": "null", "text": null}', '{"id": "seven", "text": 7}', '{"id": "none"}',
    '{"id": "lone", "text": "\\ud800"}',
)  # fmt: skip


def _noise() -> list[Row]:
    """Pages that break one rule or another of the sets, each of its own text, and some good ones."""
    ways = {
        "bullets": lambda lines: [f"- {line}" for line in lines],
        "ellipsis": lambda lines: [line.rstrip(".") + "..." for line in lines],
        "hashes": lambda lines: [line.replace(" ", " # ") for line in lines],
        "repeated": lambda lines: lines[:2] * 8,
        "paragraphs": lambda lines: [line + "\n" for line in lines[:3] * 4],
        "lorem": lambda lines: [*lines, "Lorem ipsum dolor sit amet, consectetur."],
        "curly": lambda lines: [*lines, "function main() { return 1; }"],
        "javascript": lambda lines: [*lines[:4], *["Please enable javascript to read on."] * 9],
        "policy": lambda lines: [*lines[:4], "Our privacy policy and the terms of use apply to this site."],
        "menu": lambda lines: [word for line in lines for word in line.split()[:2]],
        "numbers": lambda lines: [f"{line} {seed} 37 2101 55 8 90 1234" for seed, line in enumerate(lines)],
        "long_words": lambda lines: [line.replace(" ", "") for line in lines],
        "no_stops": lambda lines: [
            " ".join(w for w in line.split() if w.lower() not in _STOPS) for line in lines
        ],
        "fine": lambda lines: lines,
    }
    return [
        {"id": f"{name}{n}", "text": "\n".join(change(document(400 + 7 * n + at, 10 + 5 * n).split("\n")))}
        for at, (name, change) in enumerate(ways.items())
        for n in range(3)
    ]


_STOPS = ("the", "be", "to", "of", "and", "that", "have", "with")


def _laws() -> list[Row]:
    rows: list[Row] = [{"id": f"zh{n}", "text": chinese_document(n, 5 + n % 8)} for n in range(24)]
    rows += [{"id": f"full{n}", "text": chinese_document(n, 5 + n % 8).translate(_WIDE)} for n in range(4)]
    rows += [{"id": f"amended{n}", "text": chinese_document(n, 12 + n % 3)} for n in range(4, 10)]
    rows += [
        {"id": f"mixed{n}", "text": chinese_document(30 + n, 4) + "\n" + document(500 + n, n)}
        for n in range(8)
    ]
    rows += [{"id": f"notice{n}", "text": "【公告】" * n + chinese_document(40 + n, 1)} for n in range(6)]
    return rows


_WIDE = {ord("0") + n: ord("０") + n for n in range(10)}


def _world() -> list[Row]:
    rows: list[Row] = [{"id": code, "text": text} for code, text in UDHR.items()]
    rows += [
        {"id": f"{one}+{other}", "text": f"{UDHR[one]}\n{UDHR[other]}"}
        for one, other in (("eng", "deu"), ("eng", "cmn"), ("fra", "spa"), ("rus", "ukr"), ("jpn", "kor"))
    ]
    rows += [{"id": "digits", "text": "1234 5678 90"}, {"id": "emoji", "text": "🙂👍🏽 🇩🇪"}]
    return rows


def _web() -> bytes:
    """Pages of an archive, among them statuses and types that are no documents."""
    found = [record("warcinfo", b"software: none")]
    for n in range(12):
        html = page("</p><p>".join(document(600 + n % 10, 9).split("\n")))
        found.append(record("response", response(html), url=f"https://web.org/{n}"))
    gone, image = (
        response(page("gone"), status="404 Not Found"),
        response(b"\x89PNG", "Content-Type: image/png\r\n"),
    )
    latin = response(
        page("Der Prüfer hörte die Äußerung. " * 8).decode().encode("latin-1"),
        "Content-Type: text/html; charset=iso-8859-1\r\n",
    )
    broken = response(b"no gzip", "Content-Type: text/html\r\nContent-Encoding: gzip\r\n")
    for name, block in {"gone": gone, "image": image, "latin": latin, "broken": broken}.items():
        found.append(record("response", block, url=f"https://web.org/{name}"))
    return members(*found)


def _records() -> list[Row]:
    """Integer ids, nested text, columns of mixed types and of names that are taken."""
    return [
        {
            "pmid": 1000 + n,
            "article": {
                "body": document(700 + n, 6 + n % 5).replace(" the ", " \u00a0the\u200b ", 3) + " ﬁn é  "
            },
            "tokens": n,
            "note": [{"a": n}, "text", None][n % 3],
        }
        for n in range(20)
    ]
