"""A plain reader of Megatron's `.bin` and `.idx`, and tokenizers in the forms that models come with."""

import struct
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

END = "<|endoftext|>"
WORDS = ["the heart beats", "a blood test of the kidneys", "The minister told reporters that wheat fell."]


def read_pair(prefix: Path) -> list[list[int]]:
    """The token ids of each document, by the words of the format's description alone."""
    index, data = prefix.with_suffix(".idx").read_bytes(), prefix.with_suffix(".bin").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack_from("<QBQQ", index, 9)
    assert (version, bounds) == (1, sequences + 1)
    dtype = np.dtype({4: "<i4", 8: "<u2"}[code])
    at = 9 + struct.calcsize("<QBQQ")
    lengths = np.frombuffer(index, "<i4", sequences, at)
    pointers = np.frombuffer(index, "<i8", sequences, at + lengths.nbytes)
    documents = np.frombuffer(index, "<i8", bounds, at + lengths.nbytes + pointers.nbytes)
    assert len(index) == at + lengths.nbytes + pointers.nbytes + documents.nbytes
    assert documents.tolist() == list(range(bounds))
    assert len(data) == lengths.sum() * dtype.itemsize
    return [np.frombuffer(data, dtype, n, p).tolist() for n, p in zip(lengths, pointers, strict=True)]


def byte_level(file: Path, *, special: tuple[str, ...] = (END,), size: int = 400) -> Path:
    """As GPT-2's and Qwen's: byte-level BPE."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.enable_truncation(2)
    tokenizer.save(str(file))
    return file


def unigram(file: Path) -> Path:
    """As T5's and llm-jp's: a Unigram model, of whose vocabulary the special tokens are pieces."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -3.0), *((one, -5.0) for one in "<>/sabdehlot ")]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    tokenizer.save(str(file))
    return file


def word_level(file: Path) -> Path:
    """Words alone, the special token among them."""
    tokenizer = Tokenizer(
        models.WordLevel({"[UNK]": 0, "[EOS]": 1, "the": 2, "[": 3, "EOS]": 4}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[UNK]", "[EOS]"])
    tokenizer.save(str(file))
    return file
