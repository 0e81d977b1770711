"""The command line: light to start, complete in its help, clear in its errors."""

import json
import subprocess
import sys

from tests.conftest import PIPELINE


def test_help_imports_nothing_heavy():
    """Asking for help loads no kernel, no data library and no model."""
    code = (
        "import sys\nsys.argv = ['refinery', '--help']\nfrom refinery.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', sorted({m.split('.')[0] for m in sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = out.split("LOADED")[1]
    assert "'typer'" in loaded
    for heavy in ("numba", "polars", "ray", "fasttext", "pyarrow", "pydantic", "numpy"):
        assert f"'{heavy}'" not in loaded


def test_schema_is_the_schema_of_the_definition(refinery):
    """`refinery schema` prints a JSON Schema that knows the keys of a stage."""
    code, out, _ = refinery("schema")
    schema = json.loads(out)
    assert code == 0
    assert {"from", "measure", "keep", "dedup", "select"} <= set(schema["$defs"]["Stage"]["properties"])


def test_check_says_what_is_found(data_repository, refinery):
    """A sound definition is said to be valid, with its shards."""
    code, out, _ = refinery("check", data_repository / "pipeline.yaml")
    assert code == 0
    assert "crawl (3 shards)" in out


def test_check_notes_what_leads_nowhere(data_repository, refinery):
    """A source and a stage that nothing reads; not what is protected, or what rules are calibrated by."""
    definition = data_repository / "pipeline.yaml"
    sources = "".join(f"  {name}: {{path: 'crawl/*.parquet'}}\n" for name in ("spare", "held", "good"))
    text = PIPELINE.replace("sources:\n", f"protect: {{h: {{from: held}}}}\nsources:\n{sources}")
    definition.write_text(text.replace("stages:\n", "stages:\n  idle: {from: spare}\n"))
    code, out, _ = refinery("check", definition)
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    assert code == 0
    assert notes == [
        f"note: the {what} leads to no output and no model"
        for what in ("stage idle", "source spare", "source good")
    ]
    text = definition.read_text().replace(
        "    keep:\n", "    calibrate: {trusted: good, lose: 1%}\n    keep:\n", 1
    )
    definition.write_text(text)
    assert "source good leads" not in refinery("check", definition)[1]


def test_check_reports_problems_with_exit_code_2(data_repository, refinery):
    """Problems go to standard error, one a line, no traceback."""
    (data_repository / "pipeline.yaml").write_text(
        PIPELINE.replace("words >=", "wrods >=").replace("'en'", "'eng'")
    )
    code, out, err = refinery("check", data_repository / "pipeline.yaml")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 2
    assert "Traceback" not in err


def test_plan_shows_bands_and_their_promise(data_repository, refinery):
    """The plan names bands, rows and recall before the run, and what is cached after it."""
    code, out, _ = refinery("plan", data_repository / "pipeline.yaml")
    assert code == 0
    assert "15 bands of 7 rows" in out
    assert "signals on 3" in out
    refinery("run", data_repository / "pipeline.yaml", "-q")
    out = refinery("plan", data_repository / "pipeline.yaml")[1]
    assert "all cached" in out
    assert "up to date" in out


def test_json_goes_to_standard_output(data_repository, refinery):
    """With --json the result is one JSON document and events are JSON lines on standard error, those of the log."""
    code, out, err = refinery("run", data_repository / "pipeline.yaml", "--json")
    assert code == 0
    assert json.loads(out)["unique"]["kept"]["documents"] == 40
    events = [json.loads(line) | {"time": 0} for line in err.splitlines()]
    assert {"run_begun", "cache_checked", "phase", "unit_ended", "finished"} < {e["event"] for e in events}
    (log,) = (data_repository / ".refinery" / "pipelines" / "tiny" / "logs").iterdir()
    assert [json.loads(line) | {"time": 0} for line in log.read_text().splitlines()] == events


def test_a_plan_is_whole_in_a_narrow_terminal(data_repository, refinery, monkeypatch):
    """What does not fit goes on in the next line."""
    monkeypatch.setenv("COLUMNS", "60")
    definition = data_repository / "pipeline.yaml"
    definition.write_text(definition.read_text().replace("long_enough", "a_rule_with_quite_a_long_name"))
    code, out, _ = refinery("plan", definition)
    assert code == 0
    assert "…" not in out


def test_errors_of_options_are_marked_as_such(data_repository, refinery):
    """Options that do not go together: one line that begins with `error: `."""
    options = ("--executor", "local", "--address", "a:1")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", *options)
    assert (code, err) == (2, "error: --address is for --executor ray\n")


def test_a_definition_that_is_no_text(data_repository, refinery):
    """Said in words, for a rule set file as well."""
    binary = data_repository / "rules.yaml"
    binary.write_bytes(b"abc\xff\x00")
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("    keep:\n", "    keep:\n      - ./rules.yaml\n"))
    for file in (binary, definition):
        code, _, err = refinery("check", file)
        assert (code, err.count("\n")) == (2, 1)
        assert "rules.yaml:1: not YAML: it is not UTF-8 text (byte 4)" in err


def test_checking_loads_no_kernel_and_no_cluster(data_repository):
    """`check` stays fast."""
    code = (
        f"import sys\nsys.argv = ['refinery', 'check', '{data_repository}/pipeline.yaml']\n"
        "from refinery.cli import main\ntry:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "print('LOADED', sorted({m.split('.')[0] for m in sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = out.split("LOADED")[1]
    assert "'polars'" in loaded
    for heavy in ("numba", "ray", "fasttext", "onnxruntime", "tokenizers"):
        assert f"'{heavy}'" not in loaded


def test_the_version_as_people_ask_for_it(refinery):
    """`--version` prints what `version` prints."""
    import refinery as package

    assert refinery("--version") == refinery("version") == (0, f"{package.__version__}\n", "")


def test_help_by_one_letter(refinery):
    """`-h` is `--help`, of a command, too."""
    assert refinery("-h")[:2] == refinery("--help")[:2]
    assert refinery("train", "relevance", "-h")[1] == refinery("train", "relevance", "--help")[1]


def test_completion_of_shells(refinery, monkeypatch):
    """`--show-completion` prints a script, by which the shell asks for the names of commands."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, out, _ = refinery("--show-completion", "bash")
    assert code == 0
    assert "COMPLETE=complete_bash" in out


def test_check_notes_models_below_the_licences_of_outputs(data_repository, refinery):
    """Where the licence is in a column, so that a whole source may be gone before a model learns."""
    text = PIPELINE.replace(
        "sources:\n", "sources:\n  more: {path: 'crawl/*.parquet', licence: {column: year}}\n"
    )
    first = next(line for line in PIPELINE.splitlines() if "from: crawl" in line)
    text = text.replace(first, first.replace("crawl", "more")).replace(
        "path: out", "path: out, licences: [MIT]"
    )
    text = text.replace("stages:\n", "models: {m: {train: {positive: crawl, negative: screened}}}\nstages:\n")
    (data_repository / "pipeline.yaml").write_text(text)
    code, out, err = refinery("check", data_repository / "pipeline.yaml")
    assert code == 0, err
    assert "note: negative of models.m: of more no documents under licences that the outputs below" in out
