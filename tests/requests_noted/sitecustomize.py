"""Notes each request that S3's client sends, with every repetition, as a line of the file that REQUESTS_NOTED names.

Python imports a module of this name by itself when its folder is on the path, in workers and nodes as well. A line is
appended at once, so a process that is killed loses none: process, method, query's kind, range, path.
"""

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from urllib.parse import urlsplit

CLIENT = "aiobotocore.endpoint"


class _WhenImported(MetaPathFinder):
    """Changes the client's class once it is there; importing it takes too long for a process that needs none."""

    def find_spec(self, name, path, target=None):
        if name != CLIENT:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            _note_requests(module.AioEndpoint)

        spec.loader.exec_module = exec_module
        return spec


def _note_requests(endpoint):
    send = endpoint._send
    log = os.open(os.environ["REQUESTS_NOTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def noted(self, request):
        url = urlsplit(request.url)
        ranged = "ranged" if "Range" in request.headers else ""
        line = f"{os.getpid()}\t{request.method}\t{url.query}\t{ranged}\t{url.path}\n"
        os.write(log, line.encode())
        return await send(self, request)

    endpoint._send = noted


if "REQUESTS_NOTED" in os.environ:
    sys.meta_path.insert(0, _WhenImported())
