"""Types in the form of the hub."""

import pyarrow as pa
import pytest
from datasets import Features
from hypothesis import given
from hypothesis import strategies as st

from refinery.run.hub_features import hub_features
from refinery.storage.marks import json_text

PLAIN = [pa.string(), pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.date32(), pa.null()]
PLAIN += [pa.timestamp("us"), pa.timestamp("s", tz="UTC")]
NESTED = st.recursive(
    st.sampled_from(PLAIN),
    lambda inner: st.one_of(
        st.builds(pa.list_, inner),
        st.builds(lambda kinds: pa.struct([(f"f{n}", kind) for n, kind in enumerate(kinds)]),
                  st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)  # fmt: skip


@given(st.lists(NESTED, min_size=1, max_size=4))
def test_types_are_those_that_the_hubs_library_writes(kinds):
    """At any depth, and read back to the same types."""
    schema = pa.schema([(f"c{n}", kind) for n, kind in enumerate(kinds)])
    found = hub_features(schema)
    assert found == Features.from_arrow_schema(schema)._to_yaml_list()
    assert Features._from_yaml_list(found) == Features.from_arrow_schema(schema)


@pytest.mark.parametrize(
    "kind",
    [pa.binary(), pa.decimal128(5, 2), pa.time64("us"), pa.duration("s"), pa.large_string(), pa.uuid()],
)
def test_what_json_has_no_form_for_is_a_string(kind):
    """As it is written."""
    assert hub_features(pa.schema([("a", kind)])) == [{"name": "a", "dtype": "string"}]


@pytest.mark.parametrize(
    "field",
    [pa.field("a", pa.map_(pa.string(), pa.int64())), pa.field("a", pa.struct([])), json_text("a", "")],
)
def test_nothing_is_told_where_values_are_of_any_type(field):
    """A reader then guesses all of them."""
    assert hub_features(pa.schema([pa.field("b", pa.string()), field])) is None
