"""Paths and URLs as text."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.storage.url import Url, is_url, local_path, redact, without_secrets


def test_file_urls_are_local():
    """`file://` and `local://` are paths of this machine; a colon alone makes no URL."""
    for path in ("/a/b", "file:///a/b", "local:///a/b", "a:b", "C:/a"):
        assert not is_url(path)
    assert is_url("s3://bucket/a")
    assert (local_path("file:///a/b"), local_path("/a/b")) == ("/a/b", "/a/b")


@given(st.text("abc/:@?=&% ", max_size=20))
def test_a_login_or_query_is_never_shown(text):
    """Whatever characters a URL has after its login."""
    assert "SECRET" not in redact(f"s3://KEY:SECRET@bucket/{text.replace('/', '')}")
    assert "SECRET" not in redact("https://host/a?sig=SECRET")


@pytest.mark.parametrize(
    "text",
    [
        "cannot open https://user:hunter2@host/a",
        "cannot open https://user:hunter%402@host/a",
        "401 for user 'user' with 'hunter@2'",
        "403, url='https://host/a?X-Amz-Signature=hunter2&x=1'",
    ],
)
def test_what_is_secret_in_the_url_is_secret_in_its_error(text):
    """As it is written there and as it is decoded."""
    for url in ("https://user:hunter%402@host/a", "https://host/a?X-Amz-Signature=hunter2&x=1", ""):
        told = without_secrets(text, url)
        assert "hunter2" not in told
        assert "hunter%402" not in told
    assert "hunter@2" not in without_secrets(text, "https://user:hunter%402@host/a")


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING",
     "AZURE_STORAGE_SAS_TOKEN", "HF_TOKEN"],
)  # fmt: skip
def test_keys_of_the_environment_are_secret(name, monkeypatch):
    """Where a client's error repeats them."""
    monkeypatch.setenv(name, "AccountKey=hunter2==")
    assert without_secrets("refused: AccountKey=hunter2== is no key") == "refused: *** is no key"


def test_names_of_keys_are_secret_wherever_they_were_read():
    """AWS's errors tell the access key's name, which may come from a file."""
    assert without_secrets("no such key: AKIAIOSFODNN7EXAMPLE.") == "no such key: ***."


def test_messages_are_short():
    """A server may answer with a page."""
    assert len(without_secrets("x" * 10_000)) == 300


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9.-]{0,9}[a-z0-9]", fullmatch=True), min_size=1, max_size=4))
def test_a_url_names_places_as_a_path_does(parts):
    """Joining, name, folder, other endings: those of a path below the bucket."""
    place, path = Url("s3://bucket"), PurePosixPath("/")
    for part in parts:
        place, path = place / part, path / part
    assert str(place) == f"s3://bucket{path}"
    assert place.name == path.name
    assert [str(one).rstrip("/") for one in place.parents] == [
        f"s3://bucket{one}".rstrip("/") for one in path.parents
    ]
    assert str(place.with_suffix(".json")) == f"s3://bucket{path.with_suffix('.json')}"
    assert str(place.with_name("x")) == f"s3://bucket{path.with_name('x')}"
    assert place == Url(str(place)) and hash(place) == hash(Url(str(place)))
