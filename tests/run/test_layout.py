"""The columns of an output; tests/run/test_write.py reads them from files."""

import pyarrow as pa

from refinery.run.layout import make_layout
from tests.run.planning import plan_of


def test_names_that_are_taken_are_changed_in_carried_columns(data_repository):
    """As often as it takes; the count of repeats is a column that refinery made."""
    plan = plan_of(data_repository / "pipeline.yaml")
    output, stage = plan.graph.outputs["unique"], plan.graph.stage_of("unique")
    carried = pa.schema([("tokens", pa.string()), ("input_tokens", pa.string()), ("repeats", pa.int8())])
    layout = make_layout(output, stage, carried, pa.string(), repeats="key")
    assert layout.renamed == {"tokens": "input_input_tokens", "repeats": "input_repeats"}
    names = [
        "text",
        "id",
        "input_input_tokens",
        "input_tokens",
        "input_repeats",
        "lang",
        "lang_score",
        "tokens",
    ]
    assert layout.schema.names == [*names, "repeats", "lineage"]
    assert layout.schema.field("repeats").type == pa.int32()
    assert layout.made == ("lang", "lang_score", "tokens", "repeats", "lineage")
    assert "repeats" not in make_layout(output, stage, pa.schema([]), pa.string()).schema.names
