"""The demo: real text, a domain to find in it, a run that finds it."""

import polars as pl


def test_the_demo_finds_its_domain(tmp_path, refinery):
    """Most of what is left is from the package whose other half trained the model, on modules not in the crawl."""
    code, out, err = refinery("demo", tmp_path / "demo")
    assert code == 0, err
    assert "The documents are in" in out
    found = pl.read_parquet(tmp_path / "demo/out/numerical/data-*.parquet")
    assert found.height > 50
    assert (found["package"] == "numpy").mean() > 0.8
    crawl = pl.read_parquet(tmp_path / "demo/crawl/docstrings-*.parquet")["module"]
    training = pl.read_parquet([tmp_path / "demo/seeds/*.parquet", tmp_path / "demo/others/*.parquet"])[
        "module"
    ]
    assert not set(crawl) & set(training)


def test_a_folder_in_use_is_refused(tmp_path, refinery):
    """The demo writes into a new folder only."""
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = refinery("demo", tmp_path)
    assert code == 2
    assert "is not empty" in err
