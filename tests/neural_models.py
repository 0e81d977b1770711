"""Tiny neural models for tests: an embedding, the masked mean of a text's tokens, a linear layer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = ("court", "patient", "the", "of", "法院", "患者", "и", "wheat")
VOCABULARY = (*SPECIAL, *WORDS)
POSITIONS = 600


class Weights:
    """Random weights of a model with `outputs` outputs, and what it must give."""

    def __init__(self, outputs: int, seed: int = 1, words: int = len(VOCABULARY)) -> None:
        random = np.random.default_rng(seed)
        self.embedding = random.normal(size=(words, 8)).astype(np.float32)
        self.positions = random.normal(size=(POSITIONS, 8)).astype(np.float32)
        self.matrix = random.normal(size=(8, outputs)).astype(np.float32)
        self.bias = random.normal(size=outputs).astype(np.float32)

    def logits(self, ids: list[int]) -> NDArray[np.float64]:
        """The oracle: float64 (outputs)."""
        rows = self.embedding[ids].astype(np.float64) + self.positions[: len(ids)]
        return rows.mean(0) @ self.matrix + self.bias


def ids(text: str, max_tokens: int = 512) -> list[int]:
    """The oracle's tokenizer: words between white space, [CLS] before and [SEP] after."""
    known = {word: number for number, word in enumerate(VOCABULARY)}
    return [2, *[known.get(word, 1) for word in text.split()][: max_tokens - 2], 3]


def graph(
    weights: Weights, *, mask: bool = True, types: bool = False, output: str = "logits"
) -> onnx.ModelProto:
    """The model; `mask` and `types`: whether it takes attention_mask and token_type_ids (which it adds, times 0)."""
    tensors = {
        "embedding": weights.embedding, "positions": weights.positions, "matrix": weights.matrix,
        "bias": weights.bias, "zero": np.int64(0), "one": np.int64(1), "last": np.array([-1]),
        "middle": np.array([1]), "nothing": np.float32(0),
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("Gather", ["embedding", "input_ids"], ["words"]),
        node("Shape", ["input_ids"], ["shape"]),
        node("Gather", ["shape", "one"], ["length"]),
        node("Range", ["zero", "length", "one"], ["places"]),
        node("Gather", ["positions", "places"], ["placed"]),
        node("Add", ["words", "placed"], ["rows"]),
        node("Cast", ["attention_mask" if mask else "ones"], ["weight"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["weight", "last"], ["column"]),
        node("Mul", ["rows", "column"], ["masked"]),
        node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=0),
        node("ReduceSum", ["column", "middle"], ["count"], keepdims=0),
        node("Div", ["sum", "count"], ["mean"]),
        node("Gemm", ["mean", "matrix", "bias"], ["plain" if types else output]),
    ]
    if not mask:
        nodes.insert(
            2, node("ConstantOfShape", ["shape"], ["ones"], value=numpy_helper.from_array(np.array([1])))
        )
    if types:
        nodes += [
            node("Cast", ["token_type_ids"], ["kinds"], to=TensorProto.FLOAT),
            node("Mul", ["kinds", "nothing"], ["none"]),
            node("ReduceSum", ["none", "middle"], ["added"], keepdims=1),
            node("Add", ["plain", "added"], [output]),
        ]
    inputs = ["input_ids", *["attention_mask"] * mask, *["token_type_ids"] * types]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["texts", len(weights.bias)])],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )


def write(folder: Path, model: onnx.ModelProto, config: dict | None = None) -> Path:
    """A folder with model.onnx, tokenizer.json and, if there is a `config`, config.json."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    tokenizer().save(str(folder / "tokenizer.json"))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def tokenizer() -> Tokenizer:
    """Words between white space; the file asks for cutting and padding of its own, which must not count."""
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_truncation(7)
    made.enable_padding(length=9)
    return made
