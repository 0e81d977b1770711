"""What results are made of, by the words of a definition."""

import json

from refinery.plan.graph import VerbCut, View
from refinery.plan.result_settings import (
    column_keys,
    derive_settings,
    making_settings,
    measurement_settings,
    reading_settings,
    transform_settings,
)
from tests.conftest import PIPELINE
from tests.plan.test_resolve import resolved

DEFINITION = PIPELINE.replace(
    "    keep:\n", '    derive: {half: "words / 2", quarter: "half / 2"}\n    keep:\n', 1
)


def test_settings_are_json_and_name_what_made_them(tmp_path):
    """Of a source, a text, a measurement and derived columns; a column of a column is told, too."""
    graph = resolved(tmp_path, DEFINITION)
    stage = graph.stages["screened"]
    (view,) = stage.views.values()
    measurement = stage.columns["crawl"]["words"].measurement
    told = [
        reading_settings(graph.sources["crawl"]),
        transform_settings(view),
        measurement_settings(measurement),
        derive_settings({"crawl": {"quarter": stage.columns["crawl"]["quarter"]}}),
    ]
    assert json.loads(json.dumps(told)) == told
    assert [next(iter(one)) for one in told] == ["text", "transform", "signals", "derive"]
    assert [next(iter(one)) for one in told[1]["transform"]] == ["normalize"]
    assert told[3] == {"derive": {"quarter": "half / 2", "half": "words / 2"}}


def test_what_is_cut_is_no_setting():
    """The same stage cuts: its settings do not change with what it has cut."""
    views = [View("crawl", (VerbCut("cut", outcome),)) for outcome in ("", "a")]
    assert transform_settings(views[0]) == transform_settings(views[1])
    assert views[0].key != views[1].key


def test_keys_are_in_one_order(tmp_path):
    """Whatever the order in which columns were found."""
    columns = resolved(tmp_path, DEFINITION).stages["screened"].columns
    back = {"crawl": dict(reversed(columns["crawl"].items()))}
    assert column_keys(back) == column_keys(columns)
    assert {name for _, name, _ in column_keys(columns)} >= {"words", "half"}


def test_a_making_says_of_what_it_is_made(tmp_path):
    """Its maker with its version, and the stages or sources that it reads by part."""
    text = DEFINITION.replace(
        "stages:", "models: {ours: {train: {positive: unique, negative: crawl}}}\nstages:"
    )
    (making,) = resolved(tmp_path, text).makings.values()
    told = making_settings(making)
    assert told["of"] == {"positive": ("unique",), "negative": ("crawl",)}
    assert "version" in told[making.maker.name]
