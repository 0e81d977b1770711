"""The output folder."""


def test_a_foreign_output_folder_is_refused(data_repository, refinery):
    """A folder with anything else in it is left alone, with exit code 2."""
    (data_repository / "out").mkdir()
    (data_repository / "out" / "thesis.txt").write_text("mine")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 2
    assert "thesis.txt" in err
    assert [file.name for file in (data_repository / "out").iterdir()] == ["thesis.txt"]


def test_two_runs_at_once_do_not_meet(data_repository, refinery):
    """A run whose folders another run holds says so and leaves them alone; afterwards it goes on."""
    from refinery.run.folder import held

    with held(data_repository / ".refinery"):
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "another run is working here" in err
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
