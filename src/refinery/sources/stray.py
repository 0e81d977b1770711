"""Files that only lie beside data, told by their names: hidden ones, unfinished ones, ones about the others."""

from __future__ import annotations

import re
from collections.abc import Callable

from refinery.sources.formats import DOCUMENT_FILES, named_format
from refinery.storage.url import has_dots

_ENDINGS = (".crc", ".tmp", ".temp", ".part", ".partial", ".inprogress", ".md5", ".sha256", ".lock")
_ABOUT = {  # names, without an ending, of files about the others
    "LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "CHANGELOG", "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY",
    "CITATION", "requirements", "robots",
}  # fmt: skip
_HIDDEN_FOLDER = re.compile(r"(?:^|/)[._]")


def stray_names(root: str, asked: str = "", *, of_store: bool = False) -> Callable[[str], bool]:
    """Tells of a path below a root whether it is stray, unless such names are asked for.

    asked: the last part of what the user gave, a name or a pattern; of_store: paths are URLs.

    >>> is_stray = stray_names("/data", "*.jsonl")
    >>> is_stray("/data/a.jsonl"), is_stray("/data/_temporary/a.jsonl"), is_stray("/data/README.jsonl")
    (False, True, True)
    """
    # who asks for files that are documents by their ending wants all of them
    by_ending = not {"*", "?", "["}.isdisjoint(asked) and named_format(asked) in DOCUMENT_FILES
    hidden = {"."} if by_ending else {".", "_"}
    start = len(root)

    def is_stray(path: str) -> bool:
        if of_store and has_dots(path):  # what no two clients would agree on is not read
            return True
        folders, _, name = path[start:].lstrip("/").rpartition("/")
        if name[:1] in hidden and name[:1] != asked[:1]:
            return True
        if _HIDDEN_FOLDER.search(folders):
            return True
        about = name[:6].upper() == "README" or name.partition(".")[0] in _ABOUT
        return name.lower().endswith(_ENDINGS) or (about and not by_ending)

    return is_stray
