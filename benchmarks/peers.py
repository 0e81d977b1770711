"""The same work on the same documents in refinery and in its peers, side by side, one core each.

    python benchmarks/peers.py DATA... [--limit N] [--repeats 5] [--only datatrove] [--here]

DATA are Parquet files or folders with a `text` column; the filters are English ones, so give English documents.
Each peer runs in an environment of its own, made on first use under --cache with the versions pinned below (the
only step that needs a package index); with --here in this one, if it is installed here, and else not at all. Every
job is one process that loads first and is timed without loading; refinery and its peer run alternately, in the same
minutes, on the same core.

What had to be put in a peer's place, since neither model hub nor download is assumed:
- datatrove's LanguageFilter downloads lid.176.bin; it gets the lid.176.ftz that refinery ships instead.
- Nothing else: its English tokenizer is spaCy's blank `en` with the sentencizer, which need no data.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from harness import Sheet, Spread, documents, pin_to_one_core, report, text_bytes

WORKER = Path(__file__).with_name("peer_worker.py")
ENVIRONMENTS = {
    "datatrove": ("datatrove[processing]==0.10.1", "spacy==3.8.18", "jieba==0.42.1", "pyarrow>=18"),
    "datasketch": ("datasketch==2.0.0", "pyarrow>=18"),
    "rensa": ("rensa==0.5.0", "pyarrow>=18"),
    "fasttext": ("fasttext-community==0.11.9", "pyarrow>=18"),
}
SKIPPED = "skipped: not installed here"
LABELS = ("other", "relevant")
# datatrove's filters, and the sets that judge as they do.
RULE_SETS = {
    "language": "language",
    "gopher_repetition": "gopher_repetition",
    "gopher_quality": "gopher_quality_datatrove",
    "c4": "c4_datatrove",
    "fineweb": "fineweb_datatrove",
}


@dataclass(frozen=True)
class Race:
    """One comparison: what, refinery's job, the peer's job, and the input of each."""

    what: str
    ours: str
    theirs: str
    our_input: str = "text"
    their_input: str = "text"
    dim: int = 100  # of the relevance model


RACES = (
    Race("language ID", "language", "datatrove:language"),
    Race("Gopher repetition", "signals", "datatrove:gopher_repetition"),
    Race("Gopher quality", "signals", "datatrove:gopher_quality"),
    Race("C4", "signals", "datatrove:c4"),
    Race("FineWeb", "signals", "datatrove:fineweb"),
    Race("MinHash 14x8", "minhash", "datatrove:minhash"),
    Race("chain, dropping as it goes", "fused", "datatrove:chain"),
    Race("chain, every filter on every document", "fused", "datatrove:every"),
    Race("language ID", "language", "fasttext:language"),
    Race("classifier, dim 100, 2 labels", "relevance", "fasttext:relevance"),
    Race("classifier, dim 256, 2 labels", "relevance", "fasttext:relevance", dim=256),
    Race("MinHash-112, text | ready hashes", "minhash", "datasketch:hashes", "text", "hashes"),
    Race("MinHash-112, ready hashes", "hashes", "datasketch:hashes", "hashes", "hashes"),
    Race("MinHash-112, text", "minhash", "rensa:RMinHash"),
    Race("MinHash-112, text", "minhash", "rensa:CMinHash"),
    Race("MinHash-112, ready hashes", "hashes", "rensa:hashes", "hashes", "hashes"),
)


class Worker:
    """A job in its own process and environment; see peer_worker.py."""

    def __init__(self, python: Path, file: Path, job: str, options: dict[str, Any]) -> None:
        self.job = job
        command = [str(python), str(WORKER), str(file), job, json.dumps(options)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.note = str(self._answer()["note"])

    def ask(self, request: str) -> dict[str, Any]:
        """One request, one answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self._answer()

    def seconds(self) -> float:
        """Seconds of one run over all documents."""
        return float(self.ask("run")["seconds"])

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, errors = self.process.communicate()
            sys.exit(f"{self.job} failed:\n{errors[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True)
class Environments:
    """Where peers run: each in a folder of its own below `cache`, or all in this environment."""

    cache: Path
    here: bool

    def has(self, name: str) -> bool:
        """Whether the peer can run; its own environment can always be made."""
        return not self.here or importlib.util.find_spec(name) is not None

    def python(self, name: str) -> Path:
        """The interpreter that the peer runs in."""
        return Path(sys.executable) if self.here or name == "refinery" else environment(self.cache, name)


def environment(cache: Path, name: str) -> Path:
    """The Python of a peer's environment, made on first use."""
    folder = cache / name
    python = folder / "bin" / "python"
    wanted = "\n".join(ENVIRONMENTS[name])
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"installing {name} into {folder}", file=sys.stderr)
        venv.create(folder, clear=True, symlinks=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--quiet", *ENVIRONMENTS[name]]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name} could not be installed:\n{done.stderr[-2000:]}")
        stamp.write_text(wanted, encoding="utf-8")
    return python


def versions(environments: Environments, names: Sequence[str], skipped: Sequence[str]) -> Sheet:
    """What is installed where, as the interpreter of each environment says, and what is not."""
    script = (
        "from importlib.metadata import version\nimport sys\n"
        "print(*(f'{name} {version(name)}' for name in sys.argv[1:]), sep=', ')"
    )
    shown = {
        "refinery": ("refinery", "numba", "numpy", "pyarrow"),
        "datatrove": ("datatrove", "spacy", "fasttext-numpy2-wheel", "numpy", "xxhash"),
        "datasketch": ("datasketch", "numpy"),
        "rensa": ("rensa",),
        "fasttext": ("fasttext-community", "numpy"),
    }
    rows: list[tuple[object, ...]] = []
    for name in ("refinery", *names):
        command = [str(environments.python(name)), "-c", script, *shown[name]]
        rows.append(
            (name, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        )
    rows += [(name, SKIPPED) for name in skipped]
    return Sheet("Versions", ("environment", "packages"), rows)


def relevance_model(cache: Path, text: pa.ChunkedArray, dim: int = 100, bucket: int = 500_000) -> Path:
    """A two-label fastText model (words and pairs of words) that tells the documents' first half from the second."""
    import fasttext

    file = cache / f"relevance-{dim}.bin"
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as lines:
            for number, document in enumerate(text.to_pylist()):
                label = LABELS[2 * number < len(text)]
                lines.write(f"__label__{label} {' '.join(document.split())}\n")
            lines.flush()
            model = fasttext.train_supervised(
                lines.name, dim=dim, wordNgrams=2, bucket=bucket, epoch=5, lr=0.5, thread=1, verbose=0
            )
        model.save_model(str(file))
    return file


def write_inputs(folder: Path, text: pa.ChunkedArray) -> dict[str, Path]:
    """The documents, the same without white space at line ends, and the hashes of their distinct 5-word shingles."""
    import xxhash

    files = {name: folder / f"{name}.parquet" for name in ("text", "tidied", "hashes")}
    pq.write_table(pa.table({"text": text}), files["text"])
    tidied = ["\n".join(map(str.rstrip, document.splitlines())).strip() for document in text.to_pylist()]
    pq.write_table(pa.table({"text": pa.array(tidied, pa.large_string())}), files["tidied"])
    hashes = []
    for document in text.to_pylist():
        words = document.lower().split()
        found = {xxhash.xxh32_intdigest(" ".join(words[i : i + 5]).encode()) for i in range(len(words) - 4)}
        hashes.append(sorted(found))
    pq.write_table(pa.table({"text": pa.array(hashes, pa.large_list(pa.uint32()))}), files["hashes"])
    return files


def run_race(
    race: Race, environments: Environments, inputs: dict[str, Path], options: dict[str, Any], repeats: int
) -> dict[str, Any]:
    """Alternates both sides; seconds of each and the ratio of neighbours."""
    library, _, kind = race.theirs.partition(":")
    job = race.theirs if library != "fasttext" else "fasttext:labels"
    options = {**options, "relevance_model": options["relevance_models"][race.dim]}
    model = options["lid"] if kind in {"language", "chain", "every"} else options["relevance_model"]
    python, file = environments.python, inputs[race.our_input]
    ours = Worker(python("refinery"), file, f"refinery:{race.ours}", options)
    theirs = Worker(python(library), inputs[race.their_input], job, {**options, "model": model})
    pairs = [(ours.seconds(), theirs.seconds()) for _ in range(repeats)]
    result: dict[str, Any] = {
        "ours": Spread.of([one for one, _ in pairs]),
        "theirs": Spread.of([other for _, other in pairs]),
        "ratio": Spread.of([other / one for one, other in pairs]),
    }
    if library == "fasttext" or race.theirs == f"datasketch:{race.ours}":
        result["decisions"] = (ours.ask("decide")["decisions"], theirs.ask("decide")["decisions"])
    ours.close()
    theirs.close()
    return result


def race_sheet(races: Sequence[Race], results: Sequence[dict[str, Any]], size: int, count: int) -> Sheet:
    """Speeds of both sides and their ratio."""
    rows: list[tuple[object, ...]] = []
    for race, found in zip(races, results, strict=True):
        theirs, ours = found["theirs"].median, found["ours"].median
        speeds = [(count / seconds, size / 1e6 / seconds) for seconds in (theirs, ours)]
        rows.append((race.what, race.theirs, *speeds[0], race.ours, *speeds[1], found["ratio"]))
    columns = (
        "work",
        "peer's job",
        "documents/s",
        "MB/s",
        "refinery's",
        "documents/s",
        "MB/s",
        "times faster",
    )
    notes = (
        "times faster: median (lowest … highest) over alternated repetitions, processor time, one thread each",
        "`signals` measures Gopher (both readings), C4 and FineWeb at once; `fused` is language, signals, relevance,",
        "MinHash-112, content hash and size of every document, whatever any rule says",
    )
    return Sheet(f"Side by side: {count:,} documents, {size / 1e6:,.1f} MB", columns, rows, notes)


def equality(races: Sequence[Race], results: Sequence[dict[str, Any]]) -> Sheet:
    """Whether the kernels say what the libraries say whose formats they read and write."""
    from refinery.filters.language_codes import languages
    from refinery.models.model_file import BUILT_IN, labels

    rows: list[tuple[object, ...]] = []
    for race, found in zip(races, results, strict=True):
        if "decisions" not in found:
            continue
        mine, other = found["decisions"]
        if race.ours == "hashes":
            same = sum(one == two for one, two in zip(mine, other, strict=True))
            rows.append((race.what, race.theirs, "signature", same, len(mine), same / len(mine), None))
            continue
        if race.ours == "language":
            names = labels(BUILT_IN)
            codes = {name: code for name, (code, _) in zip(names, languages(names), strict=True)}
            theirs = [(codes[label], score) for label, score in other]
        else:
            mine = [(LABELS[score >= 0.50001], score) for (score,) in mine]  # fastText adds 1e-5 to every P
            theirs = [(label.removeprefix("__label__"), score) for label, score in other]
            theirs = [(label, score if label == LABELS[1] else 1 - score) for label, score in theirs]
        same = sum(one[0] == two[0] for one, two in zip(mine, theirs, strict=True))
        alike = [(one, two) for one, two in zip(mine, theirs, strict=True) if one[0] == two[0]]
        apart = max((abs(one[1] - two[1]) for one, two in alike), default=0.0)
        rows.append((race.what, race.theirs, "label", same, len(mine), same / len(mine), f"{apart:.1e}"))
    columns = ("work", "oracle", "compared", "equal", "of", "share", "largest difference of P")
    return Sheet("The same results", columns, rows)


def agreement(environments: Environments, inputs: dict[str, Path], options: dict[str, Any]) -> list[Sheet]:
    """Keep or drop per filter, refinery's rule set against datatrove's filter, and why they differ."""
    rows: list[tuple[object, ...]] = []
    causes: list[tuple[object, ...]] = []
    settings = {**options, "model": options["lid"]}
    for name, rule_set in RULE_SETS.items():
        ours, theirs, tidied = (
            _decisions(environments.python(library), inputs[text], f"{library}:{job}", settings)
            for library, text, job in (
                ("refinery", "text", f"rules:{rule_set}"),
                ("datatrove", "text", name),
                ("datatrove", "tidied", name),
            )
        )
        kept = [sum(kept for kept, _ in side) for side in (ours, theirs)]
        shares = [
            100 * sum(a[0] == b[0] for a, b in zip(ours, side, strict=True)) / len(ours)
            for side in (theirs, tidied)
        ]
        rows.append((name, len(ours), *kept, *(round(share, 2) for share in shares)))
        differing: Counter[tuple[str, str, str]] = Counter()
        for mine, other, tidy in zip(ours, theirs, tidied, strict=True):
            if mine[0] != other[0]:
                alike = "white space" if mine[0] == tidy[0] else "words or rules"
                reasons = ("kept" if mine[0] else mine[1], "kept" if other[0] else other[1])
                differing[(*(reasons if name != "language" else ("", "")), alike)] += 1
        causes += [(name, *reasons, count) for reasons, count in differing.most_common(8)]
    columns = ("filter", "documents", "refinery keeps", "datatrove keeps", "agreement %", "tidied %")
    notes = (
        "tidied: datatrove sees the text without white space at line ends, refinery as it is; it judges a line",
        "by its very last character, where refinery gives LF, CRLF and trailing spaces one verdict",
    )
    cause_columns = ("filter", "refinery says", "datatrove says", "differ by", "documents")
    return [
        Sheet("Agreement with datatrove's keep or drop", columns, rows, notes),
        Sheet(
            "Where they differ",
            cause_columns,
            causes,
            ("words: datatrove's come from spaCy's English tokenizer",),
        ),
    ]


def _decisions(python: Path, file: Path, job: str, options: dict[str, Any]) -> list[Any]:
    worker = Worker(python, file, job, options)
    decisions: list[Any] = worker.ask("decide")["decisions"]
    worker.close()
    return decisions


def main() -> None:
    parser = argparse.ArgumentParser(description="refinery and its peers on the same documents.")
    parser.add_argument("data", nargs="+", help="Parquet files or folders with a `text` column, English")
    parser.add_argument("--limit", type=int, help="documents taken, evenly")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=sorted(ENVIRONMENTS), help="peers (default: all)")
    parser.add_argument("--here", action="store_true", help="peers of this environment; others are skipped")
    parser.add_argument("--buckets", type=int, default=500_000, help="of the classifiers' n-grams")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "refinery-benchmarks")
    parser.add_argument("--json", metavar="FILE", help="also write the tables as JSON")
    options = parser.parse_args()
    from refinery.models.model_file import BUILT_IN

    pin_to_one_core()
    environments = Environments(options.cache, options.here)
    wanted = options.only or sorted(ENVIRONMENTS)
    peers = [name for name in wanted if environments.has(name)]
    skipped = [name for name in wanted if name not in peers]
    for name in skipped:
        print(f"{name} {SKIPPED}; without --here it gets an environment of its own", file=sys.stderr)
    options.cache.mkdir(parents=True, exist_ok=True)
    text = documents(options.data, options.limit)
    settings: dict[str, Any] = {
        "num_perm": 112,
        "seed": 1,
        "words": 5,
        "lid": str(BUILT_IN),
    }
    chosen = [race for race in RACES if race.theirs.partition(":")[0] in peers]
    models = {
        race.dim: str(relevance_model(options.cache, text, race.dim, options.buckets)) for race in chosen
    }
    settings |= {"relevance_models": models, "relevance_model": models.get(100, "")}
    with tempfile.TemporaryDirectory(prefix="refinery-peers-") as folder:
        inputs = write_inputs(Path(folder), text)
        results = [run_race(race, environments, inputs, settings, options.repeats) for race in chosen]
        sheets = [
            versions(environments, peers, skipped),
            race_sheet(chosen, results, text_bytes(text), len(text)),
        ]
        if set(peers) - {"datatrove", "rensa"}:
            sheets.append(equality(chosen, results))
        if "datatrove" in peers:
            sheets += agreement(environments, inputs, settings)
    report("refinery and its peers", sheets, options.json)


if __name__ == "__main__":
    main()
