"""The manifest."""

import hashlib
import json


def test_manifest_adds_up(data_repository, refinery):
    """For every stage: arrived = kept + dropped; the files listed are the files there."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    manifest = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())
    for stage in manifest["stages"].values():
        dropped = sum(rule["dropped"]["documents"] for rule in stage["rules"].values())
        assert stage["arrived"]["documents"] == stage["kept"]["documents"] + dropped
    assert manifest["stages"]["screened"]["arrived"]["documents"] == 61
    for file in manifest["files"]:
        content = (data_repository / "out" / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
