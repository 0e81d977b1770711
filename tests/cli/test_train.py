"""What `refinery train` says of a model; what it makes is tested in tests/run/test_training.py."""


def test_a_wrong_option_names_the_nearest(refinery):
    """A slip of the pen is one line of the shell's and an exit code."""
    code, _, err = refinery("train", "relevance", "--positiv", "x")
    assert code == 2
    assert "--positive" in err
