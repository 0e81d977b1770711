"""The documentation says what the code does: generated regions are fresh, every name is there, examples run."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from refinery.filters import language
from refinery.filters.lexicon import pack_columns

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [*DOCS, ROOT / "README.md"]


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def named(text: str) -> set[str]:
    """Everything that stands in backticks, outside of blocks."""
    return set(re.findall(r"`([^`]+)`", BLOCK.sub("", text)))


def blocks(language: str, *, pages: list[Path] = PAGES) -> list:
    return [
        pytest.param(found[2], id=f"{file.stem}-{number}")
        for file in pages
        for number, found in enumerate(BLOCK.finditer(file.read_text("utf-8")))
        if found[1] == language
    ]


def run_python(code: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(code, "docs", "exec"), names)
    return names


def test_generated_regions_are_fresh():
    """`python docs/generate.py` would change nothing."""
    assert generate.stale() == []


def test_check_tells_a_stale_page(tmp_path, monkeypatch, capsys):
    """--check names a page whose region differs from the code and writes nothing; without it the page is mended."""
    text = page("outputs.md").replace("| `similarity` |", "| `similar` |")
    (tmp_path / "outputs.md").write_text(text, "utf-8")
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "outputs.md" in capsys.readouterr().err
    assert (tmp_path / "outputs.md").read_text("utf-8") == text
    assert generate.main([]) == 0
    assert (tmp_path / "outputs.md").read_text("utf-8") == page("outputs.md")


def test_every_region_is_in_a_page():
    """No table is made that no page shows."""
    shown = {found[2] for file in DOCS for found in generate.REGION.finditer(file.read_text("utf-8"))}
    assert shown == set(generate.REGIONS)


def test_every_command_and_option_is_named():
    """Each command of the command line, with each option, stands in pipeline.md."""
    import typer

    from refinery.cli import app

    words = named(page("pipeline.md"))
    commands = dict(generate._commands(typer.main.get_command(app), ""))
    assert {"run", "check", "plan", "schema", "train relevance"} <= commands.keys()
    for name, command in commands.items():
        assert any(re.match(rf"refinery {name}( [A-Z]|$)", word) for word in words), name
        for option in (o for p in command.params if p.param_type_name == "option" for o in p.opts):
            assert option in words or not option.startswith("--") or option == "--help", (name, option)


def test_every_key_is_named():
    """Each YAML key of the definition's models stands in pipeline.md."""
    from refinery.definition import models
    from refinery.definition.registry import VERBS

    used = [m for m in vars(models).values() if isinstance(m, type) and issubclass(m, models.Model)]
    used += [m for verb in VERBS.settings(()).items() for _, m in generate.with_nested(*verb)]
    keys = {field.alias or name for model in used for name, field in model.model_fields.items()}
    assert {"from", "similarity", "duplicates_of_one", "shard_bytes"} <= keys
    assert keys <= named(page("pipeline.md"))


def test_every_measurer_and_transform_is_named():
    """Each built-in measurer stands in signals.md, each transform in pipeline.md."""
    from refinery.filters.registry import MEASURERS, TRANSFORMS

    assert MEASURERS.built_in.keys() <= {
        *named(page("signals.md")),
        *re.findall(r"\*\*(\w+)\*\*", page("signals.md")),
    }
    assert TRANSFORMS.built_in.keys() <= named(page("pipeline.md"))


def test_every_setting_of_a_measurer_is_named():
    """Each setting that a measurer or transform takes in YAML stands somewhere in the docs."""
    from refinery.filters.registry import MEASURERS, TRANSFORMS

    text = "".join(file.read_text("utf-8") for file in DOCS)
    for name, settings in {**MEASURERS.settings(), **TRANSFORMS.settings()}.items():
        for field, known in settings.model_fields.items():
            setting = known.alias or field
            assert setting == "root" or re.search(rf"\b{setting}:|`{setting}`", text), (name, setting)


def test_every_column_is_named():
    """Each column that signals and size make stands in signals.md."""
    from refinery.filters import signals, token_count

    words = named(page("signals.md"))
    assert {*signals.columns(), *token_count.SCHEMA.names} <= words
    assert {"source", "lang", "lang_share", "relevance", "quality", "importance_per_token"} <= words


def test_every_rule_set_and_rule_is_named():
    """Each built-in rule set stands in rules.md, and each predicate of those that are written by hand."""
    from refinery.filters.rules import built_in_rule_sets, load_rule_set, written_rule_sets

    text = page("rules.md")
    words = named(text)
    assert set(built_in_rule_sets()) <= words
    for name in written_rule_sets():
        for rule in load_rule_set(name).rules:
            assert rule.name in words
            assert f"`{rule.predicate}`" in text


def test_every_reason_of_a_reject_is_named():
    """Each reason that a reader gives for a rejected row stands in reading.md."""
    source = "".join(p.read_text("utf-8") for p in (ROOT / "src/refinery/sources").glob("*.py"))
    found = re.findall(
        r"""(?:Reject\(.*?|_RejectedError\(|RefusedError\(|ExtractionError\()\s*"([a-z_0-9]+)[",]""", source
    )
    reasons = set(found) | {"oversize_row", "bad_encoding"}
    assert {"not_json", "null_text", "truncated_file", "undecodable"} <= reasons
    assert reasons <= named(page("reading.md"))


def test_preparation_of_models_is_named():
    """models.md names the preparation that new models get, and the files that training writes."""
    from refinery.models import card, train
    from refinery.text.prepare import WORDS

    assert {WORDS, train.MODEL, card.CARD, "card.md"} <= named(page("models.md"))


def test_links_lead_somewhere():
    """Each link between pages names a page, and a heading of it, that exists."""
    for file in PAGES:
        for target, anchor in re.findall(r"\]\((?!http)([\w./-]+)(?:#([\w-]+))?\)", file.read_text("utf-8")):
            other = file.parent / target
            assert other.exists(), (file.name, target)
            if anchor:
                headings = re.findall(r"^#+ (.+)$", other.read_text("utf-8"), re.MULTILINE)
                assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_examples_are_valid(text, tmp_path):
    """Each YAML block is a definition (with `refinery` and `name` added if it leaves them out) or a rule set."""
    from refinery.definition.load import load
    from refinery.definition.paths import Paths
    from refinery.filters.rules import load_rule_set

    content = yaml.safe_load(text)
    if "rules" in content:
        (tmp_path / "clinical.yaml").write_text(text, "utf-8")
        assert load_rule_set("./clinical.yaml", Paths(tmp_path)).rules
        return
    head = "" if "refinery" in content else "refinery: 1\nname: example\n"
    file = tmp_path / "pipeline.yaml"
    file.write_text(head + text, "utf-8")
    definition = load(file)
    assert definition.problems == ()
    _check_names(content, definition)


def _check_names(content: dict, definition) -> None:
    """Parents, outputs, models, measurers and rule sets of an example exist, and so do the columns of its rules."""
    from refinery.definition.validate import validate
    from refinery.filters import pii_counts, registry, rules, signals, token_count
    from refinery.filters.predicate import columns_of

    known = {*content["sources"], *content["stages"]}
    assert {output["from"] for output in content["outputs"].values()} <= set(content["stages"])
    measurers = registry.MEASURERS.settings()
    for name_of_stage, stage in content["stages"].items():
        parents = [stage["from"]] if isinstance(stage["from"], str) else stage["from"]
        assert set(parents) <= known
        uses = stage.get("measure", []) + stage.get("transform", [])
        names = {use if isinstance(use, str) else next(iter(use)) for use in uses}
        assert names <= {*measurers, *registry.TRANSFORMS.settings()}
        for use in stage.get("measure", []):
            name, settings = next(iter(use.items())) if isinstance(use, dict) else (use, {})
            given = {key: value for key, value in settings.items() if key != "as"}
            validate(measurers[name], given, definition.paths)
        made = {
            *signals.columns(),
            *token_count.SCHEMA.names,
            *pii_counts.SCHEMA.names,
            "source",
            *_made_by(content),
        }
        for entry in definition.pipeline.stages[name_of_stage].keep:
            if isinstance(entry, dict):
                for predicate in entry.values():
                    assert columns_of(predicate) <= made
            elif not str(entry).endswith(".yaml"):
                assert rules.resolve_rules([entry])


def _made_by(content: dict) -> set[str]:
    made = {"importance", "importance_per_token", "cross_entropy_difference", "host", "removed_share"}
    made |= {*language.SCHEMA.names, *pack_columns("")}
    for stage in content["stages"].values():
        made |= stage.get("derive", {}).keys()
        for use in stage.get("measure", []):
            name, settings = next(iter(use.items())) if isinstance(use, dict) else (use, {})
            if name == "patterns":
                made |= settings.keys()
            name = settings.get("as", name)
            made |= {name, f"{name}_lang", f"{name}_lang_script"}
    return made


@pytest.mark.parametrize(
    "code", blocks("python", pages=[ROOT / "docs" / "dedup.md", ROOT / "docs" / "python.md"])
)
def test_python_examples_hold(code, tmp_path, monkeypatch):
    """Each Python block of dedup.md and python.md runs, with the assertion in it."""
    assert "assert" in code
    monkeypatch.chdir(tmp_path)
    run_python(code)


def test_queries_run_on_the_decisions_of_a_run(data_repository, refinery, monkeypatch):
    """The queries of outputs.md run on a real decisions file and agree with its manifest."""
    import json

    file = data_repository / "pipeline.yaml"
    file.write_text(file.read_text("utf-8").replace("path: out}", "path: out/medical-en}"), "utf-8")
    code, _, err = refinery("run", file, "--workers", 1, "--quiet")
    assert code == 0, err
    monkeypatch.chdir(data_repository)
    funnel, alone, groups = (
        run_python(code.values[0]) for code in blocks("python", pages=[ROOT / "docs" / "outputs.md"])
    )
    manifest = json.loads(Path("out/medical-en.records/manifest.json").read_bytes())
    stages = manifest["stages"].items()
    dropped = {(stage, rule): a for stage, found in stages for rule, a in found["rules"].items()}
    counted = {(row["stage"], row["rule"]): row["documents"] for row in funnel["funnel"].to_dicts()}
    assert counted.pop((None, None)) == manifest["kept"]["documents"]
    assert counted == {
        key: a["dropped"]["documents"] for key, a in dropped.items() if a["dropped"]["documents"]
    }
    for row in alone["alone"].to_dicts():
        assert 0 < row["documents"] <= dropped[row["stage"], row["rule"]]["failed"]
    assert groups["groups"]["removed"].sum() == 6
    assert set(groups["groups"]["duplicate_of_source"]) == {"crawl"}


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_command_that_verifies_an_output(data_repository, refinery):
    """It passes on whole files, rejects among them, and names one that has changed within its size.

    Without the manifest all are written again.
    """
    import subprocess

    definition = data_repository / "pipeline.yaml"
    definition.write_text(definition.read_text("utf-8").replace("path: out", "path: out/screened"), "utf-8")
    (data_repository / "crawl" / "broken.parquet").write_bytes(b"PAR1")
    assert refinery("run", definition, "-q")[0] == 0
    (command,) = (found.values[0] for found in blocks("sh", pages=[ROOT / "docs" / "outputs.md"]))

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", command], cwd=data_repository, capture_output=True, text=True, check=False
        )

    assert (verify().returncode, verify().stdout) == (0, "")
    records = [f"screened.records/{kind}-00000.parquet" for kind in ("decisions", "rejects")]
    for name in ("screened/data-00000.parquet", *records):
        file = data_repository / "out" / name
        content = file.read_bytes()
        file.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
        done = verify()
        assert (done.returncode, done.stdout) == (1, f"{name}: FAILED\n")
        file.write_bytes(content)
    file.write_bytes(bytes(len(content)))
    (data_repository / "out" / "screened.records" / "manifest.json").unlink()
    assert refinery("run", definition, "-q")[0] == 0
    assert verify().returncode == 0


def test_every_file_of_an_output_is_named():
    """Each file that lies beside the data of an output folder stands in outputs.md."""
    from refinery.run import folder

    words = named(page("outputs.md"))
    assert {folder.MANIFEST, folder.OWNER, "decisions-00000.parquet", "rejects-00000.parquet"} <= words


def test_generator_is_a_program():
    """`python docs/generate.py --check` is what the tests say it is."""
    import subprocess

    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
