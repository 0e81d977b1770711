"""A transformer classifier or regressor as ONNX, with its Hugging Face tokenizer: loaded once a process.

Sessions have one thread, so that workers do not get in each other's way and sums are added in one order. No code is
loaded: no custom operators, no Python of the model's author.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.models import model_file, onnx_file
from refinery.models.loaded import changed, once
from refinery.text.batch import TextBatch

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
CHARS_PER_TOKEN = 32  # code points read of a text, for each token that the model may see
_INTEGERS: dict[str, np.dtype[Any]] = {
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
}
_FLOATS = {"tensor(float)", "tensor(float16)"}
_MAX_TOKENIZER_BYTES = 1 << 28
_PROBE_TOKENS = 1024  # beyond the 512 positions that most models have, and done in a second or two
_ENCODE_BYTES = 1 << 22  # text handed to the tokenizer at once
_CUDA = "CUDAExecutionProvider"
_BELONG = "use the tokenizer that belongs to the model, and no more max_tokens than it was made for"
_DYNAMIC = (
    "export it with dynamic axes, for example with `optimum-cli export onnx --task text-classification`"
)


class Files(NamedTuple):
    """A model and its tokenizer: where they are expected, and the fingerprints of their content."""

    model: Path
    tokenizer: Path
    model_hash: str
    tokenizer_hash: str


def find(model: Path, tokenizer: Path) -> Files:
    """The two files with their fingerprints; raises InputError for one that cannot be read or is no model."""
    key = model_file.file_hash(tokenizer)
    if tokenizer.stat().st_size > _MAX_TOKENIZER_BYTES:
        raise InputError(
            str(tokenizer), "larger than any tokenizer: 256 MiB and more", "give a tokenizer.json"
        )
    return Files(model, tokenizer, onnx_file.model_hash(model), key)


@dataclass(frozen=True)
class Classifier:
    """A loaded model; `inputs` are those it takes, with their integer types, `output` is the one that is read."""

    files: Files
    session: Any
    tokenizer: Any
    inputs: dict[str, np.dtype[Any]]
    output: str

    def logits(
        self, batch: TextBatch, batch_tokens: int, pad: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Documents by number, and what the model gives them, float32 (documents, outputs), in no order.

        A document without a token is left out. Documents go through together as long as they are, padded with the
        token `pad`, at most `batch_tokens`; 0: one by one, so that nothing depends on a document's neighbours.
        """
        together = batch_tokens if "attention_mask" in self.inputs else 0
        first = 0
        for texts in _beginnings(batch, self.tokenizer.truncation["max_length"] * CHARS_PER_TOKEN):
            encodings = self.tokenizer.encode_batch_fast(texts)
            ids = [np.array(e.ids, np.int64) for e in encodings]
            types = [np.array(e.type_ids, np.int64) for e in encodings]
            lengths = np.array([len(row) for row in ids], np.int64)
            special = np.array([sum(e.special_tokens_mask) for e in encodings], np.int64)
            for group in _groups(lengths, np.flatnonzero(special < lengths), together):
                found = self.run([ids[i] for i in group], [types[i] for i in group], pad)
                self._refuse_nan(found, lengths[group])
                yield first + group, found
            first += len(texts)

    def run(
        self, ids: list[NDArray[np.int64]], types: list[NDArray[np.int64]], pad: int
    ) -> NDArray[np.float32]:
        """One call of the model: float32 (documents, outputs); raises InputError for what it cannot take."""
        shape = len(ids), max(len(row) for row in ids)
        arrays = dict(
            zip(
                INPUTS,
                (np.full(shape, pad), np.zeros(shape, np.int64), np.zeros(shape, np.int64)),
                strict=True,
            )
        )
        for i, (row, kinds) in enumerate(zip(ids, types, strict=True)):
            arrays["input_ids"][i, : len(row)] = row
            arrays["attention_mask"][i, : len(row)] = 1
            arrays["token_type_ids"][i, : len(row)] = kinds
        feed = {name: arrays[name].astype(kind) for name, kind in self.inputs.items()}
        try:
            found = self.session.run([self.output], feed)[0]
        except Exception as error:  # the package raises many kinds, none of them public
            said = f"fails on a text of {shape[1]} tokens: {_first_line(error)}"
            raise InputError(str(self.files.model), said, _BELONG) from None
        if found.ndim != 2 or len(found) != len(ids) or found.shape[1] == 0:
            problem = (
                f"output {self.output!r} has shape {found.shape} for {len(ids)} texts, not (texts, labels)"
            )
            raise InputError(str(self.files.model), problem, "a sequence classification model is needed")
        return np.asarray(found, np.float32)

    def _refuse_nan(self, found: NDArray[np.float32], lengths: NDArray[np.int64]) -> None:
        wrong = ~np.isfinite(found).all(1)
        if wrong.any():
            problem = f"gives NaN or infinity for a text of {lengths[wrong][0]} tokens"
            raise InputError(
                str(self.files.model), problem, "a model in 16 bits may need 32: export it again"
            )


def load_neural(files: Files, max_tokens: int, *, cuda: bool) -> Classifier:
    """The model, once a process; raises InputError if a file is another by now, or CUDA is asked for and absent."""

    def read() -> Classifier:
        if find(files.model, files.tokenizer) != files:
            raise changed(files.model)
        return _open(files, max_tokens, cuda)

    return once(read, "onnx", files.model_hash, files.tokenizer_hash, max_tokens, cuda)


def outputs(files: Files, max_tokens: int) -> int:
    """How many outputs the model gives a text, found by trying it on the CPU, and not kept in memory.

    The text tried is the longest that is allowed, up to 1024 tokens, of the tokenizer's last token: so a model that
    has too few positions, or belongs to another tokenizer, is an InputError now and not within a run.
    """

    def count() -> int:
        model = _open(files, max_tokens, cuda=False)
        last = max(model.tokenizer.get_vocab().values(), default=0)
        ids = np.full(min(max_tokens, _PROBE_TOKENS), last, np.int64)
        return int(model.run([ids], [np.zeros_like(ids)], 0).shape[1])

    return once(count, "onnx outputs", files.model_hash, files.tokenizer_hash, max_tokens)


def _open(files: Files, max_tokens: int, cuda: bool) -> Classifier:
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise InputError(
            "neural", f"needs the package {error.name}", "pip install 'refinery[neural]'"
        ) from None
    place = str(files.tokenizer)
    try:
        tokenizer = Tokenizer.from_file(place)
    except Exception as error:  # the package raises bare Exception
        raise InputError(place, f"not a tokenizers JSON file: {_first_line(error)}") from None
    special = tokenizer.num_special_tokens_to_add(False)
    if special >= max_tokens:
        problem = f"adds {special} special tokens, which leaves none of max_tokens {max_tokens} to the text"
        raise InputError(place, problem, "raise max_tokens")
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    session = _session(onnxruntime, files.model, cuda)
    return Classifier(files, session, tokenizer, _inputs(session, files.model), _output(session, files.model))


def _session(onnxruntime: Any, path: Path, cuda: bool) -> Any:
    if cuda and _CUDA not in onnxruntime.get_available_providers():
        raise _no_cuda("onnxruntime is installed without it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # lengths differ from call to call: patterns would only pile up
    options.log_severity_level = 4  # what matters is raised
    providers = [_CUDA, "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(os.fspath(path), options, providers)
    except Exception as error:  # the package raises many kinds, none of them public
        hint = "export it again, or install a newer onnxruntime"
        raise InputError(str(path), f"onnxruntime cannot use the model: {_first_line(error)}", hint) from None
    session.disable_fallback()
    if cuda and _CUDA not in session.get_providers():
        raise _no_cuda("the driver or the CUDA libraries cannot be loaded")
    return session


def _no_cuda(problem: str) -> InputError:
    hint = "install onnxruntime-gpu and the CUDA it was built for, or set gpus: 0"
    return InputError("neural", f"gpus is set, but there is no {_CUDA} on this machine: {problem}", hint)


def _inputs(session: Any, path: Path) -> dict[str, np.dtype[Any]]:
    taken = session.get_inputs()
    names = [entry.name for entry in taken]
    unknown = sorted({*names} - {*INPUTS})
    if unknown or "input_ids" not in names:
        problem = f"takes the inputs {', '.join(names)}; refinery gives {', '.join(INPUTS)}"
        raise InputError(str(path), problem, "a text classification model is needed")
    for entry in taken:
        if entry.type not in _INTEGERS:
            raise InputError(str(path), f"input {entry.name} is {entry.type}, not integers", _DYNAMIC)
        if len(entry.shape) != 2 or any(isinstance(size, int) for size in entry.shape):
            problem = f"input {entry.name} has the shape {entry.shape}, not (any number of texts, any length)"
            raise InputError(str(path), problem, _DYNAMIC)
    return {entry.name: _INTEGERS[entry.type] for entry in taken}


def _output(session: Any, path: Path) -> str:
    """`logits` if the model has it, else its only output."""
    given = session.get_outputs()
    chosen = [entry for entry in given if entry.name == "logits" or len(given) == 1]
    if not chosen or chosen[0].type not in _FLOATS:
        names = ", ".join(f"{entry.name}: {entry.type}" for entry in given)
        problem = f"gives {names}; one output of floats, or one called logits, is needed"
        raise InputError(str(path), problem, "a text classification model is needed")
    return str(chosen[0].name)


def _beginnings(batch: TextBatch, chars: int) -> Iterator[list[str]]:
    """The first characters of the texts, of about _ENCODE_BYTES of whole texts at a time."""
    import pyarrow.compute as pc

    texts = batch.to_arrow()
    for start, stop in batch.runs(_ENCODE_BYTES):
        yield pc.utf8_slice_codeunits(texts.slice(start, stop - start), 0, chars).to_pylist()


def _groups(
    lengths: NDArray[np.int64], documents: NDArray[np.int64], batch_tokens: int
) -> Iterator[NDArray[np.int64]]:
    """The documents in groups of like length that fit, padded, in `batch_tokens`; never an empty group."""
    order = documents[np.argsort(lengths[documents], kind="stable")]
    start = 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or (stop - start + 1) * lengths[order[stop]] > batch_tokens:
            yield order[start:stop]
            start = stop


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
