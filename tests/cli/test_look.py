"""Commands that look at documents."""

import json

import refinery as package


def test_show_prints_a_sample(tiny_run, refinery):
    """The documents that a rule dropped, with the rule; as many as asked for."""
    code, out, _ = refinery("show", tiny_run, "--dropped-by", "long_enough", "-n", 2)
    assert code == 0
    assert out.count("dropped by screened: long_enough") == 2
    assert out.endswith("2 documents shown\n")


def test_show_as_json(tiny_run, refinery):
    """Whole texts, the same documents as from Python."""
    code, out, _ = refinery("show", tiny_run, "--where", "lang = 'zh'", "--json")
    found = json.loads(out)
    assert code == 0
    expected = package.show(tiny_run, where="lang = 'zh'")
    assert [(one["id"], one["text"]) for one in found] == [(one.id, one.text) for one in expected]


def test_explain_names_each_rule(tiny_run, refinery):
    """For people, and as JSON."""
    code, out, _ = refinery("explain", tiny_run, "short2")
    assert code == 0
    assert "FAILED long_enough: words >= 50" in out
    found = json.loads(refinery("explain", tiny_run, "short2", "--json")[1])
    assert found["document"]["rule"] == "long_enough"


def test_mistakes_are_one_line(tiny_run, refinery):
    """An unknown document, rule or column: exit code 2."""
    for arguments in (
        ("explain", tiny_run, "nobody"),
        ("show", tiny_run, "--dropped-by", "nothing"),
        ("show", tiny_run, "--near", "wrds"),
    ):
        code, out, err = refinery(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("error: ")


def test_what_is_no_output_is_told(data_repository, refinery):
    """`find` in a folder without a manifest: one line, exit code 2."""
    code, _, err = refinery("find", data_repository, "a text")
    assert (code, err.count("\n")) == (2, 1)
    assert "manifest" in err
