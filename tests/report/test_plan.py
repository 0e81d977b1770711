"""What `refinery plan` prints."""

import json
from collections import Counter
from io import StringIO

from rich.console import Console

from refinery.report.plan import plan_tables
from tests.run.planning import plan_of


def printed(definition, width=200):
    """The tables as text, without the frames."""
    console = Console(width=width, file=StringIO())
    for table in plan_tables(plan_of(definition)):
        console.print(table)
    return console.file.getvalue()


def rows(text, *starts):
    """The cells of the first row that begins with these cells."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("│┃ ").split("│")]
        if cells[: len(starts)] == list(starts):
            return cells
    raise AssertionError(f"no row {starts} in:\n{text}")


def test_a_plan_says_what_is_cached_and_what_will_be_made(data_repository, refinery):
    """Before a run all is to be computed, after it nothing; a new threshold leaves the measurements as they are."""
    definition = data_repository / "pipeline.yaml"
    fresh = printed(definition)
    shards = rows(fresh, "crawl")[1]
    assert f"language on {shards}" in rows(fresh, "crawl")[4]
    assert rows(fresh, "unique", "unique")[-1] == "to write"
    assert refinery("run", definition, "-q")[0] == 0
    done = printed(definition)
    assert rows(done, "crawl")[4] == "nothing: all cached"
    assert rows(done, "unique", "unique")[-1] == "up to date"
    definition.write_text(definition.read_text().replace("words >= 50", "words >= 51"))
    changed = printed(definition)
    assert rows(changed, "crawl")[4] == "nothing: all cached"
    assert rows(changed, "unique", "unique")[-1] == "to write"


def test_a_plan_knows_models_that_are_there(data_repository, refinery):
    """Before a run a model is to be made; after it nothing of what the model measured, and of what follows, is."""
    definition = data_repository / "pipeline.yaml"
    text = definition.read_text().replace(
        "stages:", "models: {m: {importance: {positive: screened, raw: crawl}}}\nstages:"
    )
    measured = "  scored: {from: screened, measure: [{importance: {model: m}}], keep: [some: 'importance > -1000']}\n"
    text = text.replace("  unique:", f"{measured}  unique:", 1).replace(
        "    from: screened\n    dedup", "    from: scored\n    dedup"
    )
    definition.write_text(text)
    assert rows(printed(definition), "models.m")[1] == "all"
    code, _, err = refinery("run", definition, "-q")
    assert code == 0, err
    done = printed(definition)
    assert rows(done, "unique", "unique")[-1] == "up to date"
    assert "stages.scored" not in done


def test_a_plan_names_rules_and_verbs_of_each_stage(data_repository):
    """Stages in the order of the work, with their rules and what the verb compares."""
    text = printed(data_repository / "pipeline.yaml")
    assert "english" in rows(text, "screened")[3]
    assert rows(text, "unique", "screened")[4].startswith("dedup")


def test_nothing_is_cut_in_a_narrow_terminal(data_repository):
    """At 60 columns each letter is still there, over several lines."""
    definition = data_repository / "pipeline.yaml"
    wide, narrow = (Counter(filter(str.isalnum, printed(definition, width))) for width in (300, 60))
    assert narrow == wide


def test_a_plan_says_why_something_is_made_again(data_repository, refinery):
    """The setting that differs from the last run, with what it was, beside everything that follows from it."""
    definition = data_repository / "pipeline.yaml"
    assert rows(printed(definition), "sources.crawl")[1:] == ["3 of 3", "the pipeline is new here"]
    assert refinery("run", definition, "-q")[0] == 0
    assert "sources.crawl" not in printed(definition)
    definition.write_text(definition.read_text().replace("words >= 50", "words >= 51"))
    changed = printed(definition)
    why = "stages.screened: keep.long_enough: words >= 50 -> words >= 51"
    for name, parts in (
        ("stages.screened", "3 of 3"),
        ("stages.unique.dedup", "3 of 3"),
        ("outputs.unique", "all"),
    ):
        assert rows(changed, name)[1:] == [parts, why]
    assert "sources.crawl" not in changed
    definition.write_text(definition.read_text().replace("words >= 51", "words >= 50"))
    (data_repository / "out.records" / "manifest.json").unlink()
    assert rows(printed(definition), "outputs.unique")[1:] == ["all", "not there any more, or not yet"]


def test_a_plan_says_why_a_count_is_made_again(data_repository, refinery):
    """Another share only measures again; another file counts again; what was counted is there until then."""
    definition = data_repository / "pipeline.yaml"
    lines = "transform: [normalize, {lines: {repeated: 10%, least_documents: 2}}]"
    definition.write_text(definition.read_text().replace("transform: [normalize]", lines))
    assert rows(printed(definition), "sources.crawl.normalize.lines")[1] == "all"
    assert refinery("run", definition, "-q")[0] == 0
    assert "sources.crawl" not in printed(definition)
    definition.write_text(definition.read_text().replace("10%", "20%"))
    changed = printed(definition)
    why = "sources.crawl.lines.signals: transform.lines.repeated: 0.1 -> 0.2"
    assert rows(changed, "sources.crawl.lines.signals")[1:] == ["3 of 3", why]
    assert "sources.crawl.normalize.lines" not in changed
    assert refinery("run", definition, "-q")[0] == 0
    (data_repository / "crawl" / "2.parquet").unlink()
    assert "sources.crawl: files: 3 shards" in rows(printed(definition), "sources.crawl.normalize.lines")[2]


def test_a_rule_set_is_one_name(tiny_run):
    """With the number of its rules; what verbs measure is said in words; the last run's time is told."""
    text = printed(tiny_run, 80)
    assert "c4 (" in text
    assert "c4.lorem_ipsum" not in text
    assert "minhash" not in text
    assert "the last run took" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_guards_are_shown_with_their_defaults(data_repository, refinery):
    """What is set and what is not, and what the run does above each."""
    file = data_repository / "pipeline.yaml"
    file.write_text(file.read_text() + "guards: {rejected: {warn: 2%}, dedup_loss: off}\n")
    _, out, _ = refinery("plan", file)
    shown = {
        cells[1].strip(): cells[3].strip() for line in out.splitlines() if len(cells := line.split("│")) == 5
    }
    assert shown["rejected"] == "warns above 2%" and shown["dedup_loss"] == "off"
    assert shown["budget_missed"] == "warns above 0.5%"


def test_time_disk_and_memory_are_told_until_nothing_is_left_to_do(data_repository, refinery):
    """From rates of benchmarks at first; after a run there is no empty table; `--json` has the same."""
    definition = data_repository / "pipeline.yaml"
    fresh = printed(definition, 80)
    assert "time: about" in fresh and "by rates of benchmarks" in fresh
    assert "disk: about" in fresh and "memory: at most" in fresh
    assert rows(fresh, "read and measure the sources")[3].endswith(" s")
    _, out, _ = refinery("plan", definition, "--json")
    told = json.loads(out)
    assert told["to_make"][0]["why"] == ["the pipeline is new here"]
    assert set(told["takes"]) >= {"seconds", "work_bytes", "output_bytes", "worker_memory", "steps"}
    assert refinery("run", definition, "-q")[0] == 0
    done = printed(definition)
    assert "To make: nothing" in done and "time: about" not in done
    assert json.loads(refinery("plan", definition, "--json")[1])["to_make"] == []
    definition.write_text(definition.read_text().replace("words >= 50", "words >= 51"))
    assert "by 1 earlier run here" in printed(definition)
