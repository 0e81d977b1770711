"""The counter of requests that benchmarks use, against what comes in at a proxy."""

import os
import subprocess
import sys
from collections import Counter

from tests.fault_proxy import faulty
from tests.request_counts import RequestLog, folder_of

PROGRAM = """
import sys
from multiprocessing import get_context
from refinery.storage.commit import commit_bytes
from refinery.storage.object_store import listing, read_ranges, read_whole, remove
url = sys.argv[1]
if __name__ == "__main__":
    commit_bytes(f"{url}/work/shards/ab/record.json", b"abc")
    with get_context("spawn").Pool(1) as pool:
        pool.apply(read_whole, (f"{url}/work/shards/ab/record.json",))
    read_ranges([(f"{url}/work/shards/ab/record.json", 0, 2)])
    list(listing(url))
    remove([f"{url}/work/shards/ab/record.json"])
"""


def test_requests_of_a_process_and_its_workers_are_counted(bucket, s3_server, tmp_path):
    """By kind and folder, as many as a proxy before the server sees."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    noted = RequestLog(tmp_path / "requests")
    with faulty(s3_server) as proxy:
        environment = os.environ | s3_server.environment(proxy.endpoint) | noted.environment()
        subprocess.run([sys.executable, program, bucket], env=environment, check=True)
        seen = proxy.counted()
    where = "work/shards"
    assert noted.counts() == Counter(
        {("PUT", where): 1, ("GET", where): 1, ("ranged GET", where): 1, ("LIST", ""): 1, ("DELETE", ""): 1}
    )
    assert seen == {"PUT": 1, "GET": 3, "POST": 1}
    assert len({request.process for request in noted.requests()}) == 2
    noted.clear()
    assert not noted.counts()


def test_folders_are_those_that_people_know():
    """Of the work folder its own ones."""
    assert [folder_of(key) for key in ("work/shards/a/b", "work/status.json", "crawl/1", "")] == [
        "work/shards",
        "work",
        "crawl",
        "",
    ]
