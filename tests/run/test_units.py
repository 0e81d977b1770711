"""What is sent to workers: a few kilobytes a unit, whatever the definition and the corpus are like."""

import pickle
from collections import defaultdict

import pytest

from refinery.executors.local import InProcess
from refinery.executors.shipping import Filed
from refinery.filters import registry
from refinery.run.run import execute
from refinery.watch.events import silent
from tests.conftest import document, write_parquet
from tests.run.planning import plan_of

MOST = 8000  # bytes
SOURCES = 50

PIPELINE = """
refinery: 1
name: wide
sources:
SOURCES
stages:
  screened:
    from: [NAMES]
    transform: [normalize]
    measure: [language, signals]
    keep: [gopher, {rules: c4}, english: "lang = 'en' AND source <> 'source_number_00'"]
  judged:
    from: screened
    measure: [costly]
    keep: [{large: "costly >= 100"}]
  unique:
    from: [judged, screened]
    dedup: {exact: true, near: {within: [year]}, against: earlier, prefer: [source, "words DESC"]}
  known:
    from: unique
    dedup: {by: [pmid], prefer: ["year DESC"]}
  best:
    from: known
    select: {tokens: 2K, by: lang_score}
outputs:
  screened: {from: screened, path: screened, shuffle: 1}
  unique: {from: unique, path: unique, format: jsonl, shuffle: null}
  best: {from: best, path: best}
"""

EARLIER = """
refinery: 1
name: earlier
sources:
  old: {path: "crawl/source_number_4*/*.parquet"}
stages:
  all: {from: old}
outputs:
  all: {from: all, path: earlier, shard_bytes: 3000}
"""


class Recording(InProcess):
    """Notes how large each call is that it is given, and its argument where that lies in a file, by function."""

    def __init__(self):
        super().__init__()
        self.units, self.arguments = defaultdict(list), defaultdict(list)

    def submit(self, ticket, function, unit, doublings):
        argument = unit.argument
        name = getattr(function, "func", function).__qualname__  # of a partial function
        self.units[name].append(len(pickle.dumps((function, argument))))
        whole = argument.read() if isinstance(argument, Filed) else argument
        self.arguments[name].append(len(pickle.dumps(whole)))
        super().submit(ticket, function, unit, doublings)


@pytest.fixture
def wide(tmp_path, monkeypatch):
    """A definition with 50 sources: duplicates within and across, near ones with texts to be compared, rejects."""
    monkeypatch.setitem(registry.MEASURERS.built_in, "costly", "tests.run.costly_measurer")
    names = [f"source_number_{n:02}" for n in range(SOURCES)]
    for number, name in enumerate(names):
        rows = [{"id": f"{number}-{n}", "text": document(100 * number + n, 20)} for n in range(4)]
        rows.append({"id": f"{number}-copy", "text": document(100 * (number // 2), 20)})
        near = " ".join(document(100 * (number // 3) + 1, 20).split(" ")[8:])
        rows += [{"id": f"{number}-near", "text": near}, {"id": f"{number}-bad", "text": None}]
        rows = [row | {"pmid": number * 7 // 2 + n, "year": 2000 + n % 2} for n, row in enumerate(rows)]
        write_parquet(tmp_path / "crawl" / name / "documents.parquet", rows)
    sources = "\n".join(f'  {name}: {{path: "crawl/{name}/*.parquet"}}' for name in names)
    text = PIPELINE.replace("SOURCES", sources).replace("NAMES", ", ".join(names))
    (tmp_path / "earlier.yaml").write_text(EARLIER, encoding="utf-8")
    execute(plan_of(tmp_path / "earlier.yaml"), InProcess(), silent)
    (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "pipeline.yaml"


def test_a_unit_is_small_with_fifty_sources(wide):
    """Each kind: what is sent, and what a shard costs where a unit's list of shards goes by a file."""
    executor = Recording()
    manifests = execute(plan_of(wide), executor, silent)
    rules = {rule for stage in manifests["best"].stages.values() for rule in stage.rules}
    assert {f"dedup.{kind}" for kind in ("exact", "near", "against", "by")} | {"select.tokens"} <= rules
    largest = {name: max(sizes) for name, sizes in executor.units.items()}
    a_shard = {name: sum(sizes) // max(len(sizes), SOURCES) for name, sizes in executor.arguments.items()}
    assert {"measure", "measure_arrived", "decide", "write_file", "scatter", "gather"} <= largest.keys()
    assert {"write_decisions", "write_keys", "write_sets", "write_files"} <= largest.keys()
    assert {name: size for name, size in largest.items() if size >= MOST} == {}
    assert {name: size for name, size in a_shard.items() if size >= MOST} == {}
    assert not list((wide.parent / ".refinery" / "pipelines").glob("*/units"))
