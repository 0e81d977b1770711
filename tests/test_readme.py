"""The README's commands do what it says; those of its start are run by the gate."""

import re
import shlex
from pathlib import Path

from tests.conftest import document

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_commands_for_ones_own_text(tmp_path, monkeypatch, refinery):
    """In the order in which they stand, on a folder of text files; between them a rule is changed."""
    (block,) = re.findall(r"^```sh\n(refinery init.*?)^```$", README, re.DOTALL | re.MULTILINE)
    for n in range(30):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / f"{n}.md").write_text(document(n, 2 if n == 7 else 12))
    monkeypatch.chdir(tmp_path)
    told = {}
    for line in block.splitlines():
        words = shlex.split(line.partition("  #")[0])[1:]
        code, out, err = refinery(*["7.md" if word == "ID" else word for word in words])
        assert code == 0, err
        told[" ".join(words)] = out
        if words == ["run", "pipeline.yaml"]:
            text = Path("pipeline.yaml").read_text()
            Path("pipeline.yaml").write_text(text.replace("lang_score >= 0.5", "lang_score >= 0.4"))
            assert refinery("run", "pipeline.yaml", "-q")[0] == 0
    assert "7.md" in told["show pipeline.yaml --dropped-by gopher"]
    assert "gopher.short" in told["explain pipeline.yaml ID"]
    assert "lang_score >= 0.5" in told["diff pipeline.yaml"]
