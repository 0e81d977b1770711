"""The measurer `neural`: values, labels, identity, and a whole run with it."""

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError
from refinery.filters import registry
from refinery.filters.neural import Settings, build
from refinery.text.batch import TextBatch
from tests.neural_models import WORDS, Weights, graph, ids, write

CONFIG = {"id2label": {"0": "news", "1": "shop", "2": "1"}, "pad_token_id": 0, "architectures": ["Bert"]}
WORDS_OF_TEXT = st.lists(st.sampled_from([*WORDS, "条", "x"]), max_size=600).map(" ".join)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A folder with a regressor `edu`, a classifier `kind` with names, and `tags`, whose labels are independent."""
    top = tmp_path_factory.mktemp("models")
    write(top / "edu", graph(Weights(1)))
    write(top / "kind", graph(Weights(3, seed=2)), CONFIG)
    write(top / "tags", graph(Weights(3, seed=2)), CONFIG | {"problem_type": "multi_label_classification"})
    return top


def values(measurer, texts) -> list[float | None]:
    batch = measurer(TextBatch.from_texts(texts))
    assert batch.schema == measurer.schema == pa.schema([("neural", pa.float32())])
    return batch["neural"].to_pylist()


@given(st.lists(WORDS_OF_TEXT, max_size=5))
def test_one_output_is_the_value(models, texts):
    """As the model gives it; NULL without a word; every text as if it were alone."""
    measurer = build(Settings(model=models / "edu"))
    found = values(measurer, texts)
    for text, value in zip(texts, found, strict=True):
        if text:
            assert value == pytest.approx(Weights(1).logits(ids(text))[0], abs=1e-5)
        assert [value] == values(measurer, [text])
        assert (value is None) == (not text)


@pytest.mark.parametrize(("label", "number"), [(0, 0), ("shop", 1), (2, 2), ("1", 2)])
def test_a_label_is_a_probability(models, label, number):
    """By number or by the name in config.json: softmax, or sigmoid where labels do not exclude each other."""
    text = "the court of 法院"
    logits = Weights(3, seed=2).logits(ids(text))
    (soft,) = values(build(Settings(model=models / "kind", label=label)), [text])
    assert soft == pytest.approx((np.exp(logits) / np.exp(logits).sum())[number], abs=1e-5)
    (own,) = values(build(Settings(model=models / "tags", label=label)), [text])
    assert own == pytest.approx(1 / (1 + np.exp(-logits[number])), abs=1e-5)


def test_null_and_empty_texts_have_no_value(models):
    """A row each, NULL, so that no rule keeps them by mistake."""
    batch = TextBatch.from_arrow(pa.array([None, "", " \n\t", "court"], pa.large_string()))
    column = build(Settings(model=models / "edu"))(batch)["neural"]
    assert [value is None for value in column.to_pylist()] == [True, True, True, False]


def test_max_tokens_cuts(models):
    """The model sees the beginning; the special tokens count."""
    measurer = build(Settings(model=models / "edu", max_tokens=4))
    first, second, other = values(measurer, ["court of wheat the", "court of", "court the"])
    assert first == second != other


def test_identity_is_content(models, tmp_path):
    """Paths, GPUs and their batches do not count; the model, the tokenizer, the label and the cut do."""
    import shutil

    plain = build(Settings(model=models / "kind", label=1))
    shutil.copytree(models / "kind", tmp_path / "elsewhere")
    moved = build(Settings(model=tmp_path / "elsewhere/model.onnx", label="shop", batch_tokens=9, gpus=0.5))
    assert moved.settings == plain.settings and json.dumps(plain.settings)
    assert "kind" not in str(plain.settings) and str(models) not in str(plain.settings)
    others = [
        build(Settings(model=models / "kind", label=2)),
        build(Settings(model=models / "kind", label=1, max_tokens=100)),
        build(Settings(model=models / "tags", label=1)),
        build(Settings(model=models / "edu")),
    ]
    assert len({json.dumps(m.settings) for m in (plain, *others)}) == 5
    (tmp_path / "t.json").write_text((models / "kind" / "tokenizer.json").read_text() + " ")
    again = build(Settings(model=models / "kind", label=1, tokenizer=tmp_path / "t.json"))
    assert again.settings != plain.settings


def test_it_is_costly_and_says_what_it_needs(models):
    """It sees only documents that reach its stage; it travels to workers by pickle."""
    measurer = build(Settings(model=models / "edu", gpus=0.5))
    assert measurer.costly and measurer.gpus == 0.5
    assert pickle.loads(pickle.dumps(measurer)) == measurer
    assert values(pickle.loads(pickle.dumps(build(Settings(model=models / "edu")))), ["court"])
    with pytest.raises(InputError, match="gpus is set, but there is no CUDA"):
        measurer(TextBatch.from_texts(["court"]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "neural: the key 'model' is missing"),
        (
            {"model": {"file": "kind"}},
            r"the model gives 3 outputs (set label to a number from 0: news, shop, 1)",
        ),
        (
            {"model": {"file": "kind"}, "label": "sport"},
            "no label 'sport' (set label to a number from 0: news, shop, 1)",
        ),
        ({"model": {"file": "kind"}, "label": 3}, "no label 3"),
        ({"model": {"file": "kind"}, "label": -1}, "no label -1"),
        ({"model": {"file": "kind"}, "label": True}, "neural.label"),
        (
            {"model": {"file": "edu"}, "label": 0},
            "there is no label 0: the model gives one score (leave label out)",
        ),
        ({"model": {"file": "none"}}, "the model cannot be read"),
        ({"model": {"file": "."}}, "the model cannot be read"),
        ({"model": {"file": "edu"}, "tokenizer": "no.json"}, "no.json: the model cannot be read"),
        ({"model": {"file": "edu"}, "batch_size": 3}, "neural.batch_size: unknown key"),
        ({"model": {"file": "edu"}, "gpus": 2}, "neural.gpus"),
    ],
)
def test_what_cannot_be_built_says_why(models, settings, message):
    """In the words of the definition."""
    with pytest.raises(DefinitionError) as caught:
        registry.measurer("neural", settings, Paths(models))
    assert message in str(caught.value)


def test_a_config_that_is_broken_is_an_error(tmp_path):
    """It would be read for names otherwise."""
    write(tmp_path, graph(Weights(2)))
    (tmp_path / "config.json").write_text('{"id2label": 5}')
    with pytest.raises(InputError, match=r"config\.json: not a usable config\.json"):
        build(Settings(model=tmp_path / "model.onnx", label=1))


def test_without_a_config_labels_are_numbers(tmp_path):
    """The error says how far they go."""
    write(tmp_path, graph(Weights(2)))
    with pytest.raises(InputError, match=r"no label 'a' .*a number from 0 up to 1"):
        build(Settings(model=tmp_path, label="a"))


def test_a_definition_with_a_model(models, tmp_path, refinery):
    """Checked, planned and run: a rule on the score keeps what the oracle keeps, an empty text never."""
    texts = [" ".join(WORDS[i % 8 :: 1 + i % 3]) for i in range(20)] + [" "]
    pq.write_table(pa.table({"id": range(21), "text": texts}), tmp_path / "a.parquet")
    file = tmp_path / "pipeline.yaml"
    scores = [float(Weights(1).logits(ids(text))[0]) for text in texts[:20]]
    middle = float(np.mean(scores))
    file.write_text(
        f"""
refinery: 1
name: example
sources:
  all: {{path: a.parquet}}
stages:
  good:
    from: all
    measure:
      - neural: {{model: {{file: {models}/edu}}}}
      - neural: {{model: {{file: {models}/kind}}, label: shop, as: shop}}
    keep: [good: "neural >= {middle:f} AND shop >= 0"]
outputs:
  good: {{from: good, path: out, measurements: [neural, shop]}}
"""
    )
    for command in ("check", "plan", "run"):
        code, out, err = refinery(command, file)
        assert code == 0, (command, out, err)
    files = [p for p in (tmp_path / "out").rglob("*.parquet") if "text" in pq.read_schema(p).names]
    kept = {row["id"]: row for p in files for row in pq.read_table(p).to_pylist()}
    assert kept.keys() == {i for i, score in enumerate(scores) if score >= middle} and len(kept) < 20
    for number, row in kept.items():
        assert row["neural"] == pytest.approx(scores[number], abs=1e-5) and 0 < row["shop"] < 1
