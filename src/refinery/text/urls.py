"""URLs in one form, by which pages that were fetched under several spellings are found again.

What RFC 3986 (section 6.2.2 and 6.2.3) calls equivalent becomes one: the case of scheme and host, the port that the
scheme has anyway, an empty path, dot segments, percent-encoding; characters that a URL cannot hold are encoded, as
browsers do. User names, fragments (but `#!`, which names a page), an empty query and parameters that only say where
a reader came from (`TRACKING`) go. Scheme, `www.`, the order of parameters and a final slash stay: they may tell
pages apart.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from urllib.parse import quote

import polars as pl
import pyarrow as pa

from refinery.text.hosts import by_distinct, host_name

# Patterns of whole names: those of campaigns, and what ad networks and mail senders add to links.
TRACKING = (
    "utm_[^=&]*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "srsltid", "fbclid", "msclkid",
    "yclid", "ysclid", "twclid", "ttclid", "li_fat_id", "igshid", "igsh", "mc_cid", "mc_eid", "_ga", "_gl", "_hsenc",
    "_hsmi",
    "__hstc", "__hssc", "__hsfp", "hsctatracking", "mkt_tok", "oly_enc_id", "oly_anon_id", "vero_id", "vero_conv",
    "wickedid", "_openstat",
)  # fmt: skip
_PARTS = (
    r"^(?is)(?<scheme>[a-z][a-z0-9+.-]*)://(?:[^/?#\\]*@)?(?<host>\[[^\]/]*\]|[^/?#\\:@\[\]]*)(?::(?<port>[0-9]*))?"
    r"(?<path>[/\\][^?#]*)?(?:\?(?<query>[^#]*))?(?<fragment>#.*)?$"
)
_PORTS = ((":80", "http"), (":443", "https"), (":21", "ftp"))
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LEGAL = "%/:@!$&'()*+,;=-._~?[]|"
_ILLEGAL = r"""[^!-~]|["<>\\^`{}]"""
_HEX = "0123456789ABCDEFabcdef"
_ENCODED = {  # each way to write an octet, to the one
    f"%{a}{b}": chr(int(a + b, 16)) if chr(int(a + b, 16)) in _UNRESERVED else f"%{a}{b}".upper()
    for a, b in product(_HEX, repeat=2)
}


def url_parts(urls: pa.Array) -> pl.DataFrame:
    """String columns scheme, host, port, path, query and fragment of large_string URLs; host NULL for what is none.

    The host is in its one form (see refinery.text.hosts), the others are as written.
    """
    texts = pl.Series("url", urls).str.replace_all(r"[\t\r\n]", "")
    parts = texts.str.extract_groups(_PARTS).struct.unnest()
    hosts = by_distinct(parts["host"].to_arrow(), host_name)
    return parts.with_columns(pl.Series("host", hosts))


def canonical_urls(parts: pl.DataFrame) -> pl.Series:
    """The URLs of parts in their one form; NULL for what is none.

    >>> urls = pa.array(["HTTP://a.org:80/%7ejoe/../b?utm_source=x&id=1#top", "mailto:a@b.org"], pa.large_string())
    >>> canonical_urls(url_parts(urls)).to_list()
    ['http://a.org/b?id=1', None]
    """
    scheme, port = pl.col("scheme").str.to_lowercase(), pl.col("port").str.strip_chars_start("0")
    port = pl.when(port.fill_null("") == "").then(pl.lit("")).otherwise(":" + port)
    is_usual = pl.any_horizontal([(port == usual) & (scheme == name) for usual, name in _PORTS])
    port = pl.when(is_usual).then(pl.lit("")).otherwise(port)
    named = parts.select(
        "host",
        start=scheme + "://" + pl.col("host") + port,
        path=pl.col("path").fill_null("/"),
        query=_without_tracking(pl.col("query").fill_null("")),
        fragment=pl.when(pl.col("fragment").str.starts_with("#!")).then("fragment").otherwise(pl.lit("")),
    )
    path, query = _normal_path(named["path"]), _normal(named["query"])
    query = pl.select(pl.when(query == "").then(pl.lit("")).otherwise("?" + query)).to_series()
    return (named["start"] + path + query + _normal(named["fragment"])).alias("canonical_url")


def _without_tracking(query: pl.Expr) -> pl.Expr:
    """Each parameter has an & on both sides for a moment, so that none is taken for a part of another."""
    names = "|".join(TRACKING)
    left = ("&" + query.str.replace_all("&", "&&", literal=True) + "&").str.replace_all(
        f"(?i)&(?:{names})(?:=[^&]*)?&", ""
    )
    left = left.str.replace_all("&+", "&").str.strip_chars("&")
    return pl.when(query.str.contains(f"(?i)(?:^|&)(?:{names})(?:=|&|$)")).then(left).otherwise(query)


def _normal(texts: pl.Series) -> pl.Series:
    """Percent-encoding in one form: capitals, and of what must be encoded alone."""
    if texts.str.contains("%", literal=True).any():
        is_whole = texts.str.count_matches("%") == texts.str.count_matches("%[0-9A-Fa-f]{2}")
        wanted = texts.is_not_null() & is_whole
        decoded = texts.filter(wanted).str.replace_many(list(_ENCODED), list(_ENCODED.values()))
        texts = texts.scatter(wanted.arg_true(), decoded)
    return _mended(texts, _ILLEGAL, lambda text: quote(text, safe=_LEGAL))


def _normal_path(paths: pl.Series) -> pl.Series:
    paths = _normal(paths.str.replace_all("\\", "/", literal=True))
    return _mended(paths, r"/\.\.?(/|$)", _without_dots)


def _mended(texts: pl.Series, pattern: str, mend: Callable[[str], str]) -> pl.Series:
    """What has the pattern, one after the other: few have."""
    wanted = texts.str.contains(pattern).fill_null(False)
    if not wanted.any():
        return texts
    return texts.scatter(wanted.arg_true(), pl.Series([mend(text) for text in texts.filter(wanted)]))


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, of a path that begins with a slash.

    >>> _without_dots("/a/./b/../../c/.."), _without_dots("/../a//b")
    ('/', '/a//b')
    """
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
