import xxhash

from refinery.dedup.content import Content
from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts


def test_content_is_the_digest_of_the_key_text():
    """The canonical xxh3-128 digest, 16 bytes, of the folded text."""
    texts = ["“Ça va?” 123", "中文 和 English", "plain words"]
    batch = TextBatch.from_texts(texts)
    keys = key_texts(batch).to_arrow().to_pylist()
    measured = Content()(batch)
    assert measured.schema == Content().schema
    assert measured.column("content").to_pylist() == [xxhash.xxh3_128_digest(key.encode()) for key in keys]


def test_text_without_words_has_no_content():
    """NULL, so that such documents are not each other's duplicates."""
    assert Content()(TextBatch.from_texts(["", "…", "\n\n"])).column("content").null_count == 3


def test_content_is_pinned():
    """Hashes are compared with those of earlier runs: a change needs a new version of the measurer."""
    found = Content()(TextBatch.from_texts(["Straße № 5 – ÉCOLE"])).column("content")[0].as_py()
    assert found == xxhash.xxh3_128_digest("strasse no 5 e\u0301cole".encode())
