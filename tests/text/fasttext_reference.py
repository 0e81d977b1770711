"""fastText's features in plain Python, after src/dictionary.cc of facebookresearch/fastText."""

import re


def fnv(data: bytes) -> int:
    h = 2166136261
    for byte in data:
        signed = byte - 256 if byte > 127 else byte
        h = ((h ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return h


def word_grams(word: bytes, minn: int, maxn: int, bucket: int) -> list[int]:
    """Buckets of the character n-grams of `<word>`, Dictionary::computeSubwords."""
    text = b"<" + word + b">"
    characters = re.findall(rb"[^\x80-\xbf][\x80-\xbf]*", text)
    found = []
    for i in range(len(characters)):
        for n in range(1, maxn + 1):
            if i + n > len(characters):
                break
            edge = i == 0 or i + n == len(characters)
            if n >= minn and not (n == 1 and edge):
                found.append(fnv(b"".join(characters[i : i + n])) % bucket)
    return found


def tokens(text: str) -> list[bytes]:
    """Tokens of a document, newlines as spaces, with the `</s>` that ends it."""
    found: list[bytes] = []
    for token in re.split(rb"[ \n\r\t\v\f\0]+", text.encode()):
        if token == b"</s>":
            break
        if token:
            found.append(token)
    return [*found, b"</s>"]


def phrase_grams(words: list[bytes], order: int, bucket: int) -> list[int]:
    """Buckets of the word n-grams, Dictionary::addWordNgrams."""
    hashes = [fnv(word) for word in words]
    signed = [h - 2**32 if h >= 2**31 else h for h in hashes]
    found = []
    for i, first in enumerate(signed):
        h = first % 2**64
        for following in signed[i + 1 : i + order]:
            h = (h * 116049371 + following) % 2**64
            found.append(h % bucket)
    return found
