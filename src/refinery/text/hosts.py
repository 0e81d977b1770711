"""Host names in one form, and their sites: looked at once for each distinct one, however many documents have it.

A host is in ASCII (xn-- for other scripts, by UTS 46), in lower case, without a final point; an IPv6 address stands
in brackets. Its site is what one owner has: the public suffix and a label more, `a.co.uk` of `www.a.co.uk`. Suffixes
under which others give names to anyone (`github.io`, `blogspot.com`: the list's private part) are public too, so that
`a.github.io` and `b.github.io` are two sites. A host that has no such name is its own site: an address, a public
suffix itself, a name of one label.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MOST = 253  # characters, of DNS
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")


def by_distinct(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """large_string: what the function makes of each distinct value, NULL of NULL."""
    encoded = values.dictionary_encode()
    made = [function(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(made, pa.large_string()).take(encoded.indices)


def host_name(written: str) -> str | None:
    """A host in its one form, None for what is none.

    >>> host_name("WWW.Example.com."), host_name("中国.中国"), host_name("[::0:1]"), host_name("a b")
    ('www.example.com', 'xn--fiqs8s.xn--fiqs8s', '[::1]', None)
    """
    if written.startswith("["):
        return _version_6(written[1:-1])
    name = unquote(written).lower()
    if not name.isascii():
        name = _ascii(name) or ""
    name = name.removesuffix(".")
    return name if len(name) <= MOST and _NAME.fullmatch(name) else None


def host_as_given(written: str) -> str | None:
    """A host as a person writes it, also as the URL of its first page, in its one form; None for what is none.

    >>> host_as_given("https://Cancer.gov/"), host_as_given("cancer.gov/about")
    ('cancer.gov', None)
    """
    return host_name(written.partition("://")[2].removesuffix("/") if "://" in written else written)


def site(host: str) -> str:
    """The site of a host in its one form.

    >>> site("www.example.co.uk"), site("a.b.github.io"), site("127.0.0.1"), site("localhost")
    ('example.co.uk', 'b.github.io', '127.0.0.1', 'localhost')
    """
    if host.startswith("[") or _ADDRESS.fullmatch(host):
        return host
    return _suffixes().privatesuffix(host) or host


def of_sites(hosts: pa.Array, wanted: Collection[str]) -> NDArray[np.bool_]:
    """Whether each host is one of these, or of a site among them.

    >>> of_sites(pa.array(["www.cancer.gov", "a.org", None]), {"cancer.gov"}).tolist()
    [True, False, False]
    """
    known = frozenset(wanted)
    found = by_distinct(hosts, lambda host: host if host in known or site(host) in known else None)
    return np.asarray(found.is_valid())


def absent_of(wanted: Iterable[str], hosts: Iterable[str]) -> tuple[str, ...]:
    """Those hosts and sites, as `of_sites` takes them, of which none of the hosts is.

    >>> absent_of(["cancer.gov", "a.org"], ["www.cancer.gov"])
    ('a.org',)
    """
    seen = {*hosts}
    there = seen | {site(host) for host in seen}
    return tuple(one for one in wanted if one not in there)


@cache
def suffixes_hash() -> str:
    """xxh3-128 of the list of public suffixes that is installed, in hex."""
    from publicsuffixlist import PSLFILE
    from xxhash import xxh3_128_hexdigest

    with open(PSLFILE, "rb") as file:  # noqa: PTH123  (a text of the package)
        return xxh3_128_hexdigest(file.read())


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _version_6(written: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(written).compressed}]"
    except ValueError:
        return None


def _ascii(name: str) -> str | None:
    """As browsers do, which take more names than a registry would."""
    import idna

    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        return None
    labels = mapped.split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)
