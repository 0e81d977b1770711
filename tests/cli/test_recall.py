"""`refinery recall` and `refinery show --round`."""

import json
from pathlib import Path

import polars as pl

from tests.cases import write_jsonl
from tests.models.domains import LAW, MEDICAL, OTHER, documents


def test_a_pool_and_seeds_in_one_command(refinery, tmp_path: Path) -> None:
    """It writes, runs, tells rounds and what to do next; rounds can be looked at; seeds are beside the budget.

    A run of what it wrote tells the rounds too; what two outputs share is told once.
    """
    seeds, fresh = documents(MEDICAL, 30, 1), documents(MEDICAL, 30, 2)
    write_jsonl(tmp_path / "seeds.jsonl", [{"text": text} for text in seeds])
    write_jsonl(tmp_path / "pool.jsonl", [{"text": text} for text in [*fresh, *documents(OTHER, 150, 3)]])
    out = tmp_path / "out"
    command = ("recall", tmp_path / "pool.jsonl", "--seeds", tmp_path / "seeds.jsonl", "--out", out)
    code, told, err = refinery(*command, "--rounds", 1, "--tokens", 5000, "--workers", 1)
    assert code == 0 and "warning: stage found: it has " in err and "of the 5,000 tokens" in err
    kept = [text for file in (out / "recalled").iterdir() for text in pl.read_parquet(file)["text"]]
    assert {*seeds} < {*kept} and len({*kept} & {*fresh}) >= 25
    assert "rounds over 180 of 180 documents of the pool" in " ".join(told.split())
    assert f"refinery budget {out / 'recalled'} --params 1.3B" in told
    assert refinery("budget", out / "recalled", "--params", "1.3B")[0] == 0
    assert "only_pool" in told and "no_seed" not in told
    definition = out / "pipeline.yaml"
    code, told, err = refinery(*command, "--tokens", 5000, "--workers", 1, "-q")
    assert (code, told) == (0, "") and err.startswith("warning: stage found: it has ")
    definition.write_text(f"{definition.read_text()}  more: {{from: found, path: more}}\n")
    code, told, err = refinery("run", definition, "--workers", 1)
    assert (code, told.count("the model is that of round 1 (*)")) == (0, 1)
    changed = definition.read_text()
    code, _, problem = refinery(*command, "--workers", 1)
    assert code == 2 and "was changed since" in problem and definition.read_text() == changed
    assert err.count("warning: stage found: it has ") == 1  # of both outputs
    code, told, _ = refinery("show", out, "--round", 1, "--came", "-n", 2)
    assert code == 0 and told.startswith("came: ") and told.count("relevance ") == 2 and "went" not in told
    found = json.loads(refinery("show", out, "--round", 1, "--json")[1])
    assert found["went"] == [] and found["came_in_all"] >= 15
    code, told, err = refinery("show", out, "--round", 7)
    assert (code, told) == (3, "") or code == 2
    assert "there is no round 7, but 1" in err


def test_mistakes_are_told_without_a_traceback(refinery, tmp_path: Path) -> None:
    """Too few seeds, seeds that are the pool, a file that is not there: one message each."""
    for name, texts in (("few", documents(MEDICAL, 9, 1)), ("many", documents(MEDICAL, 40, 1))):
        write_jsonl(tmp_path / f"{name}.jsonl", [{"text": text} for text in texts])
    few, many = tmp_path / "few.jsonl", tmp_path / "many.jsonl"
    for number, (pool, seeds, problem) in enumerate(
        [
            (many, few, "seeds: 9 different seeds with a word of 9 documents, at least 20 are needed"),
            (many, many, "40 of 40 documents of pool are seeds"),
            (tmp_path / "gone.jsonl", many, "gone.jsonl: no such file"),
        ]
    ):
        code, _, err = refinery("recall", pool, "--seeds", seeds, "--out", tmp_path / str(number), "-q")
        assert code != 0 and problem in err and "Traceback" not in err


def test_a_language_that_the_pool_lacks_is_told(refinery, tmp_path: Path) -> None:
    """By the run, of some of the seeds; where half of them are in it, nothing is made."""
    chinese, pool = documents(LAW, 24, 1, "。"), [*documents(MEDICAL, 30, 2), *documents(OTHER, 150, 3)]
    write_jsonl(tmp_path / "pool.jsonl", [{"text": text} for text in pool])
    for number, code in ((8, 0), (24, 2)):
        seeds = [*chinese[:number], *documents(MEDICAL, 24, 1)]
        write_jsonl(tmp_path / "seeds.jsonl", [{"text": text} for text in seeds])
        command = ("recall", tmp_path / "pool.jsonl", "--seeds", tmp_path / "seeds.jsonl")
        found = refinery(*command, "--out", tmp_path / str(number), "--workers", 1, "-q")
        assert found[0] == code
        told = f"{number} of {len(seeds)} seeds are in zh, and no document of "
        assert told in " ".join(found[2].split())
