"""Neural models: what goes through together, what is refused, and when."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models

from refinery.errors import InputError
from refinery.models import neural
from refinery.text.batch import TextBatch
from tests.neural_models import VOCABULARY, WORDS, Weights, graph, ids, tokenizer, write

TEXTS = st.lists(st.lists(st.sampled_from([*WORDS, "嗯", "zebra"]), max_size=40).map(" ".join), max_size=12)


@pytest.fixture(scope="module")
def weights():
    """Of a model with three outputs."""
    return Weights(3)


@pytest.fixture(scope="module")
def folder(weights, tmp_path_factory):
    """That model with a mask, without one (in `bare`), and one that takes token types (in `types`)."""
    top = tmp_path_factory.mktemp("neural")
    write(top / "bare", graph(weights, mask=False))
    write(top / "types", graph(weights, types=True, output="score"))
    return write(top, graph(weights))


def load(folder, max_tokens=512, *, cuda=False):
    return neural.load_neural(found(folder), max_tokens, cuda=cuda)


def found(folder):
    return neural.find(folder / "model.onnx", folder / "tokenizer.json")


def logits(model, texts, batch_tokens):
    """By document; NaN for those left out."""
    values = np.full((len(texts), 3), np.nan, np.float32)
    for documents, part in model.logits(TextBatch.from_texts(texts), batch_tokens, pad=5):
        assert np.isnan(values[documents]).all()
        values[documents] = part
    return values


@given(TEXTS, st.sampled_from([0, 1, 50, 200, 10_000]))
def test_padding_changes_nothing(folder, weights, texts, batch_tokens):
    """However many tokens go through at once: the oracle's numbers, and those of one by one."""
    for name in (".", "bare", "types"):
        alone = logits(load(folder / name), texts, 0)
        together = logits(load(folder / name), texts, batch_tokens)
        np.testing.assert_allclose(together, alone, atol=1e-6, rtol=1e-6)
        for text, row in zip(texts, alone, strict=True):
            expected = weights.logits(ids(text)) if text else np.full(3, np.nan)
            np.testing.assert_allclose(row, expected, atol=1e-5)


@given(TEXTS)
def test_one_by_one_neighbours_change_no_bit(folder, texts):
    """In any order and any batch the same 32 bits."""
    model = load(folder)
    together = logits(model, texts, 0)
    assert np.array_equal(logits(model, texts[::-1], 0)[::-1], together, equal_nan=True)
    for text, row in zip(texts, together, strict=True):
        assert np.array_equal(logits(model, [text], 0)[0], row, equal_nan=True)


@given(st.lists(st.integers(1, 30), max_size=30), st.integers(0, 100))
def test_groups_fit(lengths, batch_tokens):
    """Each document once; a group of several, padded, is within the limit, and no two neighbours could be one."""
    sizes, every = np.array(lengths, np.int64), np.arange(len(lengths))
    groups = list(neural._groups(sizes, every, batch_tokens))
    assert sorted(np.concatenate([*groups, every[:0]]).tolist()) == every.tolist()
    for group in groups:
        assert len(group) == 1 or len(group) * sizes[group].max() <= batch_tokens
    for first, second in pairwise(groups):
        assert (len(first) + 1) * sizes[second[0]] > batch_tokens


def test_long_texts_are_read_in_stretches(folder, weights, monkeypatch):
    """More text than is tokenized at once, and a text longer than all of it: every document has its own number."""
    monkeypatch.setattr(neural, "_ENCODE_BYTES", 64)
    texts = [f"{WORDS[i % 8]} " * (1 + i * 7) for i in range(30)] + ["法院 " * 20_000, ""]
    values = logits(load(folder, 16), texts, 100)
    for text, row in zip(texts[:-1], values, strict=False):
        np.testing.assert_allclose(row, weights.logits(ids(text, 16)), atol=1e-5)


def test_only_the_beginning_of_a_text_is_read(folder):
    """32 code points for each token that fits: what follows is not even tokenized."""
    start = " " * (16 * neural.CHARS_PER_TOKEN - 5)
    values = logits(load(folder, 16), [start + "court of", start + "court ", start + " " * 9 + "of"], 0)
    assert np.array_equal(values[0], values[1]) and np.isnan(values[2]).all()


def test_outputs_are_counted_by_trying(folder):
    """On the longest text, before a run."""
    assert neural.outputs(found(folder), 512) == 3


def other_input(model):
    """An input that no tokenizer gives."""
    model.graph.input.append(helper.make_tensor_value_info("pixel_values", TensorProto.INT64, ["n", "m"]))


def float_input(model):
    """A mask of floats."""
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.FLOAT


def fixed_input(model):
    """Texts of 128 tokens only."""
    for entry in model.graph.input:
        entry.type.tensor_type.shape.dim[1].dim_value = 128


def two_outputs(model):
    """None of them called logits."""
    model.graph.output[0].name = model.graph.node[-1].output[0] = "first"
    model.graph.output.append(helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["texts", 8]))


def flat_output(model):
    """One number for all texts."""
    model.graph.node.append(helper.make_node("ReduceSum", ["logits"], ["total"], keepdims=0))
    del model.graph.output[0]
    model.graph.output.append(helper.make_tensor_value_info("total", TensorProto.FLOAT, []))


def unknown_operator(model):
    """Of a library that is not loaded."""
    model.graph.node[-1].op_type, model.graph.node[-1].domain = "Gemmm", "ai.evil"
    model.opset_import.add(domain="ai.evil", version=1)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (other_input, "takes the inputs input_ids, attention_mask, pixel_values; refinery gives input_ids"),
        (float_input, r"input attention_mask is tensor\(float\), not integers"),
        (fixed_input, r"input input_ids has the shape \['texts', 128\]"),
        (
            two_outputs,
            "gives first: tensor.float., mean: tensor.float.; one output of floats, or one called logits",
        ),
        (flat_output, r"output 'total' has shape \(\) for 1 texts, not \(texts, labels\)"),
        (unknown_operator, "onnxruntime cannot use the model: .*Gemmm"),
    ],
)
def test_models_of_another_kind_are_refused(tmp_path, weights, damage, message):
    """Before a run, in words that name what was found."""
    model = graph(weights)
    damage(model)
    with pytest.raises(InputError, match=message):
        neural.outputs(found(write(tmp_path, model)), 512)


def test_too_few_positions_are_found_before_a_run(folder):
    """The model has 600 of them."""
    with pytest.raises(InputError, match=r"fails on a text of 700 tokens: .*no more max_tokens"):
        neural.outputs(found(folder), 700)


def test_a_tokenizer_of_another_model_is_found_before_a_run(tmp_path):
    """It has more tokens than the model has rows."""
    write(tmp_path, graph(Weights(1, words=len(VOCABULARY) - 1)))
    with pytest.raises(InputError, match=r"fails on a text of 512 tokens: .*use the tokenizer that belongs"):
        neural.outputs(found(tmp_path), 512)


@pytest.mark.parametrize("content", ["", "{}", "[1", '{"model": {"type": "WordLevel"}}'])
def test_what_is_no_tokenizer(folder, tmp_path, content):
    """JSON of another kind, or none."""
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=r"tokenizer\.json: not a tokenizers JSON file"):
        neural.outputs(neural.find(folder / "model.onnx", tmp_path / "tokenizer.json"), 512)


def test_special_tokens_leave_room(folder):
    """[CLS] and [SEP] would be all that the model sees."""
    with pytest.raises(InputError, match="adds 2 special tokens, which leaves none of max_tokens 2"):
        neural.outputs(found(folder), 2)


def test_a_tokenizer_that_makes_nothing(folder, tmp_path):
    """No special tokens, and no word known: no document has a token, none goes through the model."""
    Tokenizer(models.WordPiece({"never": 0, "[UNK]": 1})).save(str(tmp_path / "tokenizer.json"))
    model = neural.load_neural(neural.find(folder / "model.onnx", tmp_path / "tokenizer.json"), 8, cuda=False)
    assert list(model.logits(TextBatch.from_texts([]), 0, 0)) == []
    assert list(model.logits(TextBatch.from_texts(["", ""]), 0, 0)) == []


def test_numbers_that_are_none_are_an_error(tmp_path, weights):
    """NaN of a word's row: the model is named, and how long the text was."""
    weights = Weights(3)
    weights.embedding[5] = np.nan
    model = load(write(tmp_path, graph(weights)))
    assert np.isfinite(logits(model, [WORDS[0]], 0)).all()
    with pytest.raises(InputError, match=r"model\.onnx: gives NaN or infinity for a text of 4 tokens"):
        logits(model, [WORDS[0], f"{WORDS[0]} {WORDS[1]}"], 0)


def test_a_model_that_changed_since_planning_is_an_error(tmp_path, weights):
    """Model or tokenizer; a model that a process holds already goes on."""
    planned = found(write(tmp_path, graph(Weights(3, seed=7))))
    neural.load_neural(planned, 512, cuda=False)
    (tmp_path / "model.onnx").write_bytes(graph(weights).SerializeToString())
    assert neural.load_neural(planned, 512, cuda=False)
    with pytest.raises(InputError, match="the model changed since the definition was checked"):
        neural.load_neural(planned, 256, cuda=False)
    planned = found(tmp_path)
    made = tokenizer()
    made.add_tokens(["more"])
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="the model changed since the definition was checked"):
        neural.load_neural(planned, 256, cuda=False)


def test_a_gpu_that_is_not_there_is_an_error(folder):
    """Never the CPU in silence."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is a GPU here")
    with pytest.raises(InputError, match=r"no CUDAExecutionProvider on this machine.*onnxruntime-gpu"):
        load(folder, cuda=True)


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_a_missing_package_is_named(tmp_path, package, monkeypatch):
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        InputError, match=rf"needs the package {package} \(pip install 'refinery\[neural\]'\)"
    ):
        neural.outputs(found(write(tmp_path, graph(Weights(1, seed=9)))), 512)
