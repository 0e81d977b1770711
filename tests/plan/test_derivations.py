"""Why a result is not the one of the last run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.plan.derivations import (
    FILE,
    Derivation,
    Reason,
    changes,
    derivation,
    note_derivations,
    noted_derivations,
    reasons,
)
from refinery.plan.plan import PIPELINES
from refinery.plan.result import Kind, Result
from refinery.watch.events import Subject
from tests.run.planning import plan_of

VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def result(made_of, *inputs, name="one", key="key"):
    return Result(name, Kind.DECISION, Subject("stage", name), made_of, inputs, key)


def test_what_is_noted_is_read_again(data_repository):
    """All results of a plan, as they were; nothing for another pipeline, or when the file is damaged."""
    plan = plan_of(data_repository / "pipeline.yaml")
    note_derivations(plan)
    noted = noted_derivations(plan.work, "tiny")
    assert set(reasons(plan.results, noted).values()) == {()}
    assert {name: (one.key, one.inputs) for name, one in noted.items()} == {
        name: (one.key, one.inputs) for name, one in plan.results.items()
    }
    assert noted_derivations(plan.work, "other") == {}
    file = plan.work / PIPELINES / "tiny" / FILE
    file.write_bytes(file.read_bytes()[:-5])
    assert noted_derivations(plan.work, "tiny") == {}


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("abc"), VALUES))
def test_each_field_that_differs_is_named(before, after):
    """Those alone, by dotted names, with both values; an equal setting never is."""
    then, now = derivation(result(before)), result(after, key="another")
    found = {
        reason.field: (reason.before, reason.after) for reason in reasons({"one": now}, {"one": then})["one"]
    }
    fields = derivation(now).fields
    assert found == {
        field: (then.fields.get(field), fields.get(field))
        for field in then.fields.keys() | fields.keys()
        if then.fields.get(field) != fields.get(field)
    }


@pytest.mark.parametrize("lists", [list, tuple])
def test_settings_in_lists_are_told_by_their_names(lists):
    """A chain of transforms: the setting of one of them, or the chain itself."""
    plain = {"transform": lists([{"normalize": {"form": "NFC"}}, {"lines": {"share": 1}}])}
    fields = {
        "transform": ["normalize", "lines"],
        "transform.normalize.form": "NFC",
        "transform.lines.share": 1,
    }
    assert derivation(result(plain)).fields == fields


def test_a_reason_is_the_setting_and_not_what_follows_from_it():
    """Through any number of results in between, once; a result without a difference has none."""
    results = {
        "a": result({"x": 1}, name="a", key="new"),
        "b": result({}, "a", name="b", key="new"),
        "c": result({}, "a", "b", name="c", key="new"),
        "d": result({}, name="d"),
        "e": result({}, "d", name="e", key="new"),
    }
    before = {name: Derivation({}, one.inputs, "key") for name, one in results.items()}
    before["e"] = Derivation({}, ("a",), "key")
    del before["b"]
    found = reasons(results, before)
    changed = Reason("a", "x", None, 1)
    assert found["a"] == (changed,)
    assert found["b"] == (Reason("b", "", None, None),)
    assert found["c"] == (changed, Reason("b", "", None, None))
    assert found["d"] == ()
    assert list(map(str, found["e"])) == ["e: from: a -> d"]
    assert str(changed) == "a: x: nothing -> 1"
    assert str(found["b"][0]) == "b is new"


def test_the_same_inputs_in_another_order_are_told_as_that():
    """Only where nothing else differs, and not as what has gone and come."""
    others = {name: Derivation({}, (), name) for name in "bc"}
    then = {"a": Derivation({"x": 1}, ("b", "c"), "1"), **others}
    (reason,) = changes({"a": Derivation({"x": 1}, ("c", "b"), "2"), **others}, then)["a"]
    assert str(reason) == "a: from: b, c -> c, b"
    (reason,) = changes({"a": Derivation({"x": 2}, ("c", "b"), "2"), **others}, then)["a"]
    assert reason.field == "x"
