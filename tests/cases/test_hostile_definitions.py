"""Definitions that are broken, large or hostile: told with file and line in few lines, never a traceback."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.definition.load import load
from refinery.errors import DefinitionError, InputError, RefineryError
from refinery.plan.resolve import resolve

BASE = "refinery: 1\nsources: {a: {path: x}}\nstages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
SHIPPED = [path.read_text() for path in sorted(Path("pipelines").glob("*.yaml"))]
ODD_VALUES = [
    None,
    True,
    -1,
    1e308,
    float("nan"),
    "",
    "\x85",
    "\ud800",
    [],
    {},
    [[]],
    {"": {}},
    "a" * 5_000,
    "{x}",
    "**",
    "{",
]
ODD_VALUES += [
    "{{",
    "~",
    "100%",
    "-1%",
    "9e999%",
    "1:60",
    "a = ",
    "a = 1 OR (",
    "suggested('",
    "s3://[",
    "://",
    "\0",
    "../..",
]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: !!int abc\n", 5, "'abc' is no whole number; put it into quotes if it is a text"),
        ("name: !!timestamp abc\n", 5, "'abc' is no date"),
        ("name: 2001-13-45\n", 5, "'2001-13-45' is no date"),
        ("name: 2001-01-01 99:99:99\n", 5, "is no date"),
        ("name: " + "9" * 6_000 + "\n", 5, "… is no whole number"),
        ("name: !!float x\n", 5, "'x' is no number"),
        ("name: !!bool x\n", 5, "'x' is no truth value"),
        ("name: !!int [1]\n", 5, "expected a scalar node"),
        ("name: !!python/object:os.system x\n", 5, "could not determine a constructor"),
        ('name: "\\U00110000"\n', 5, "an escape of no character"),
        ('name: "\\ud800"\n', 5, "an escape of half a character"),
        ("<<: 5\n", 5, "expected a mapping"),
        ("? [a, b]\n: 1\n", 5, "found unhashable key"),
        ("name: *nope\n", 5, "undefined alias"),
        ("\tname: a\n", 5, r"cannot start any token"),
        ("name: a\nname: b\n", 6, "name: this key is written twice"),
        ("name: a\0b\n", 5, "it holds U+0000"),
        ("name: x\n---\nname: y\n", 6, "found another document"),
    ],
)
def test_what_yaml_does_not_take_is_told_with_its_line(tmp_path, text, line, words):
    """A mistake of typing needs no tag: 2001-13-45 is one."""
    file = tmp_path / "p.yaml"
    file.write_text(BASE + text)
    told = ""
    try:
        told = "\n".join(load(file).problems)
    except DefinitionError as error:
        told = str(error)
    assert f"{file}:{line}: " in told
    assert words in told.replace("'…", "…")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name: é".encode("utf-16"), ":1: not YAML: it is UTF-16: save it as UTF-8"),
        (b"refinery: 1\nname: caf\xe9\n", ":2: not YAML: it is not UTF-8 text (byte 22)"),
        (b"", ":1: expected a mapping"),
        (b"[" * 100_000, ":1: not valid YAML: nested too deep"),
        (b"a: " * 700_000, ": too large: a file of YAML has at most 1 MiB"),
    ],
)
def test_files_that_are_no_definition(tmp_path, content, words):
    """Bytes of another encoding, nothing, too deep, too much."""
    file = tmp_path / "p.yaml"
    file.write_bytes(content)
    with pytest.raises(DefinitionError) as told:
        load(file)
    assert str(told.value).startswith(f"{file}{words}")


def test_a_byte_order_mark_is_passed_over(tmp_path):
    """As Windows' editors write it."""
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbf" + BASE.encode() + b"name: x\n")
    assert not load(tmp_path / "p.yaml").problems


def test_an_expression_that_is_no_sql_is_told_at_its_place(tmp_path):
    """Also where columns are derived below it."""
    stage = "stages: {s: {from: a, measure: [signals], derive: {x: '', y: words + 1}}}"
    (tmp_path / "p.yaml").write_text(BASE.replace("stages: {s: {from: a}}", stage) + "name: x\n")
    with pytest.raises(DefinitionError, match=r"p\.yaml:3: stages\.s\.derive\.x: not a SQL expression"):
        resolve(load(tmp_path / "p.yaml"))


def test_thousands_of_mistakes_are_told_in_20_lines(tmp_path, refinery):
    """The first ones, and how many more there are."""
    keys = "".join(f"key{n}: 1\n" for n in range(3_000))
    (tmp_path / "p.yaml").write_text(BASE + "name: x\n" + keys)
    code, _, err = refinery("check", tmp_path / "p.yaml")
    lines = err.splitlines()
    assert (code, len(lines), lines[-1]) == (2, 20, "and 2,981 more problems")


def _places(value: object, place: tuple = ()) -> list[tuple]:
    found = [place] if place else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [deeper for key, one in pairs for deeper in _places(one, (*place, key))]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped definition in which values are odd, keys renamed, parts removed or moved; or its text cut."""
    text = draw(st.sampled_from(SHIPPED))
    if draw(st.integers(0, 4)) == 0:
        start = draw(st.integers(0, len(text)))
        return (
            text[:start]
            + draw(st.sampled_from(["\t", "- ", ": ", "{", "&a ", "*a", "\x85", "'", "!!int "]))
            + text[start:]
        )
    content = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(content)
        place = draw(st.sampled_from(places))
        holder = content
        for part in place[:-1]:
            holder = holder[part]
        how = draw(st.sampled_from(["odd", "remove", "rename", "copy"]))
        if how == "remove":
            del holder[place[-1]]
        elif how == "rename" and isinstance(holder, dict):
            holder[draw(st.sampled_from([1, None, "x", "from", "\x1b", "a.b", "source"]))] = holder.pop(
                place[-1]
            )
        elif how == "copy":
            other = draw(st.sampled_from(places))
            value = content
            for part in other:
                value = (
                    value[part]
                    if isinstance(value, dict | list)
                    and part in (value if isinstance(value, dict) else range(len(value)))
                    else None
                )
            holder[place[-1]] = yaml.safe_load(yaml.safe_dump(value))
        else:
            holder[place[-1]] = draw(st.sampled_from(ODD_VALUES))
    return yaml.safe_dump(content, allow_unicode=False)


@given(mutated())
@settings(max_examples=30)
def test_check_raises_nothing_but_what_it_tells(tmp_path_factory, text):
    """Of the shipped definitions with odd values, names and parts; each problem of the file has its line."""
    file = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_text(text)
    try:
        resolve(load(file))
    except DefinitionError as error:
        assert len(str(error).splitlines()) >= 1
        assert re.match(r"(.*fuzzed\.yaml:\d+: |.*\.yaml)", str(error))
    except (InputError, RefineryError):
        pass
