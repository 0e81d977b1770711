"""Commands that look at documents."""


def test_what_is_no_output_is_told(data_repository, refinery):
    """`find` in a folder without a manifest: one line, exit code 2."""
    code, _, err = refinery("find", data_repository, "a text")
    assert (code, err.count("\n")) == (2, 1)
    assert "manifest" in err
