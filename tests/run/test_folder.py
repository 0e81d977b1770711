"""The output folder."""


def test_a_foreign_output_folder_is_refused(data_repository, refinery):
    """A folder with anything else in it is left alone, with exit code 2."""
    (data_repository / "out").mkdir()
    (data_repository / "out" / "thesis.txt").write_text("mine")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 2
    assert "thesis.txt" in err
    assert [file.name for file in (data_repository / "out").iterdir()] == ["thesis.txt"]
