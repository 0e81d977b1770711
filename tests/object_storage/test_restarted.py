"""The object store is killed in mid-run and started again on what it had."""

import os
import subprocess
import sys
import time

import pytest

from tests.conftest import output_hashes
from tests.s3_server import free_ports, serving

REFINERY = (sys.executable, "-c", "from refinery.cli import main; main()")


@pytest.mark.faults
def test_a_store_that_comes_back(data_repository, refinery, tmp_path):
    """In time: the run goes on. Later: it ends with an error that names the store, and can go on."""
    definition, stored, ports = data_repository / "pipeline.yaml", tmp_path / "stored", free_ports(8)
    assert refinery("run", definition, "-q", "--work", tmp_path / "alone")[0] == 0
    expected = output_hashes(data_repository / "out")
    (data_repository / "out.records" / "manifest.json").unlink()  # else there is nothing to do
    with serving(stored, ports) as server:
        bucket = server.new_bucket()
        command = [*REFINERY, "run", definition, "-q", "--workers", "1", "--work", f"{bucket}/work"]
        environment = {**os.environ, **server.environment()}
        begun = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        listed = {"Bucket": bucket.removeprefix("s3://"), "Prefix": "work/shards/"}
        while not server.client().list_objects_v2(**listed)["KeyCount"]:
            assert begun.poll() is None
            time.sleep(0.01)
    with serving(stored, ports):
        _, err = begun.communicate(timeout=150)
        assert "Traceback" not in err
        assert begun.returncode == 0 or err.startswith(f"error: {bucket}/work"), err
        again = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert again.returncode == 0, again.stderr
    assert output_hashes(data_repository / "out") == expected
