"""The server that the other tests rely on."""

import botocore.exceptions
import pytest

from refinery.storage.commit import commit_bytes
from refinery.storage.place import place_of, read_file


def test_what_is_written_to_a_fresh_bucket_is_read_back(bucket, s3_server):
    """An object written through refinery is what a client of its own finds on the server."""
    assert s3_server.objects(bucket) == {}
    commit_bytes(f"{bucket}/folder/a.bin", b"abc")
    assert read_file(place_of(f"{bucket}/folder/a.bin")) == b"abc"
    assert s3_server.objects(bucket) == {"folder/a.bin": b"abc"}


def test_an_object_is_claimed_once(bucket, s3_server):
    """The server honours If-None-Match and If-Match, on which leases rest."""
    client, name = s3_server.client(), bucket.removeprefix("s3://")
    first = client.put_object(Bucket=name, Key="claim", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(botocore.exceptions.ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=name, Key="claim", Body=b"2", IfNoneMatch="*")
    client.put_object(Bucket=name, Key="claim", Body=b"3", IfMatch=first)
    with pytest.raises(botocore.exceptions.ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=name, Key="claim", Body=b"4", IfMatch=first)
    assert s3_server.objects(bucket) == {"claim": b"3"}
