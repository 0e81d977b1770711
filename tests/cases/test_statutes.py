"""The pipeline for Chinese law on dated statutes: the law as it stands, and every version of it."""

import random
from pathlib import Path

import polars as pl
import yaml

import refinery
from tests.cases.test_dedup import HAN
from tests.conftest import write_parquet

TEMPLATE = Path(refinery.__file__).parent / "pipelines" / "legal-zh.yaml"
STATUTES = [  # id, title, authority, date, text, articles of it that are amended
    ("甲2010", "甲条例(2010年修正)", "某市", "2010-12-23", 1, 0),
    ("甲2020", "甲条例（2020年修订）", "某市", "2020-12-30", 1, 3),
    ("甲2024", "甲条例", "某市", "2024-01-01", 1, 1),
    ("甲2024再", "甲条例", "某市", "2024-01-01", 1, 1),
    ("甲他市", "甲条例", "他市", "2009-01-01", 1, 0),
    ("公司法2018", "中华人民共和国公司法(2018-10-26)", None, "2018-10-26", 2, 0),
    ("公司法2023", "公司法", None, "2023-12-29", 2, 2),
    ("规定一", "关于审理的规定（一）", "法院", "2020-01-01", 3, 0),
    ("规定二", "关于审理的规定（二）", "法院", "2021-01-01", 3, 1),
    ("修正案1993", "宪法修正案（1993年）", None, "1993-03-29", 4, 0),
    ("修正案1999", "宪法修正案（1999年）", None, "1999-03-15", 4, 1),
    ("网页", None, None, None, 5, 0),
    ("网页又", None, None, None, 5, 0),
    ("网页改", None, None, None, 5, 2),
]


def statute(seed: int, amended: int) -> str:
    """Twenty articles, of which the last `amended` of the first ten say something else."""
    articles = ["".join(random.Random(100 * seed + n).choices(HAN, k=60)) for n in range(20)]
    for place in range(10 - amended, 10):
        articles[place] = "".join(random.Random(9000 + 100 * seed + 10 * amended + place).choices(HAN, k=60))
    return "\n".join(f"第{n}条 {article}。" for n, article in enumerate(articles, 1))


def test_no_newer_version_goes_and_no_statute_of_another_authority(tmp_path, refinery):
    """`history` has every version once, `current` the latest of each title and authority; pages without one stay."""
    rows = [
        {"id": id, "title": title, "authority": authority, "date": date, "text": statute(seed, amended)}
        for id, title, authority, date, seed, amended in STATUTES
    ]
    write_parquet(tmp_path / "crawl" / "0.parquet", rows)
    definition = yaml.safe_load(TEMPLATE.read_text("utf-8"))
    stages = definition["stages"]
    assert [stages[name]["dedup"]["prefer"] for name in ("history", "current")] == [
        ["relevance DESC"],
        ["date DESC", "relevance DESC"],
    ]
    del definition["models"], definition["sources"]["law"]
    for name in ("chinese", "screened", "other", "legal"):
        del stages[name]
    stages["history"]["from"] = "crawl"  # what is kept does not hang on language, rules and relevance
    stages["history"]["dedup"]["prefer"] = []
    stages["current"]["dedup"]["prefer"] = ["date DESC"]
    stages["clean"]["passages"]["prefer"] = ["date DESC"]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(definition, allow_unicode=True, sort_keys=False), "utf-8")
    code, _, err = refinery("run", "-q", tmp_path / "p.yaml")
    assert code == 0, err
    history, current = (
        set(pl.read_parquet(tmp_path / output["path"] / "*.parquet")["id"])
        for output in definition["outputs"].values()
    )
    ids = {row["id"] for row in rows}
    assert ids - history == {"甲2024再", "网页又"}
    assert history - current == {"甲2010", "甲2020", "公司法2018"}
