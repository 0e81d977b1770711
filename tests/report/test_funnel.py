"""The funnel in the terminal."""

from io import StringIO

import orjson
import pytest
from rich.console import Console

from refinery.report.funnel import funnel
from refinery.run.manifest import Manifest


def test_the_funnel_shows_what_the_manifest_says(data_repository, refinery):
    """Sources, stages, rules that dropped something and the output, with their counts, in 80 columns."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    manifest = Manifest.model_validate(
        orjson.loads((data_repository / "out.records/manifest.json").read_bytes())
    )
    console = Console(width=80, record=True, quiet=True, file=None)
    console.quiet = False
    with console.capture() as captured:
        console.print(funnel(manifest))
    lines = {row[1].strip(): row for line in captured.get().splitlines() if len(row := line.split("│")) > 3}
    assert lines["source crawl"][2].strip() == "61"
    assert lines["english"][2].strip() == "-10"
    assert lines["dedup.exact"][2].strip() == "-6"
    kept = manifest.kept.documents
    assert any(name.startswith("output (") and row[2].strip() == str(kept) for name, row in lines.items())


@pytest.mark.parametrize(("width", "headings"), [(79, 4), (69, 2), (50, 2), (40, 1)])
def test_names_are_whole_in_a_narrow_terminal(data_repository, refinery, width, headings):
    """Columns go before a stage's or a rule's name is broken; documents stay."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    manifest = Manifest.model_validate(
        orjson.loads((data_repository / "out.records/manifest.json").read_bytes())
    )
    console = Console(width=width, file=StringIO())
    console.print(funnel(manifest, width))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for name in ("source crawl", "stage screened", "  long_enough", "  dedup.exact", "  kept"):
        assert [line for line in lines if line.startswith(f"│ {name} ") and line.count("│") == headings + 2]


def test_the_funnel_shows_what_is_protected(data_repository, refinery):
    """The documents that an output was compared with, in brackets, since they are none of it."""
    source, protect = "sources:\n", "protect: {exams: {benchmark: 'crawl/0*', near: null}}\n"
    text = (data_repository / "pipeline.yaml").read_text().replace(source, protect + source)
    (data_repository / "pipeline.yaml").write_text(text)
    refinery("run", data_repository / "pipeline.yaml", "-q")
    manifest = Manifest.model_validate(
        orjson.loads((data_repository / "out.records/manifest.json").read_bytes())
    )
    console = Console(width=80, file=StringIO())
    console.print(funnel(manifest))
    lines = {
        row[1].strip(): row
        for line in console.file.getvalue().splitlines()
        if len(row := line.split("│")) > 3
    }
    assert lines["protected exams.text"][2].strip() == "(21)"
    assert int(lines["protect.exams"][2]) < 0


def test_what_two_outputs_share_is_shown_once(tiny_run, refinery):
    """Sources and stages stand above the first output that they lead to."""
    code, out, err = refinery("run", tiny_run)
    assert code == 0, err
    assert [out.count(text) for text in ("source crawl", "stage screened", "stage unique")] == [1, 1, 1]
    assert out.count("output (") == 2
    assert max(len(line) for line in out.splitlines() if "│" in line) <= 80
