"""URLs in one form."""

from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refinery.text.urls import TRACKING, canonical_urls, url_parts


def canonical(*urls):
    return canonical_urls(url_parts(pa.array(urls, pa.large_string()))).to_list()


@pytest.mark.parametrize(
    ("url", "one"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("http://example.com:80/A", "http://example.com/A"),
        ("https://example.com:00443/", "https://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://example.com:/", "http://example.com/"),
        ("ftp://example.com:21/a", "ftp://example.com/a"),
        ("http://user:p@ss@example.com/", "http://example.com/"),
        ("http://[::0:1]:80/", "http://[::1]/"),
        ("http://example.com./", "http://example.com/"),
        ("http://bücher.de/ä?q=中", "http://xn--bcher-kva.de/%C3%A4?q=%E4%B8%AD"),
        ("http://a.org/%7ejoe/%3a%c3%a4", "http://a.org/~joe/%3A%C3%A4"),
        ("http://a.org/100%/%41", "http://a.org/100%/%41"),  # what no one can read stays as it is
        ('http://a.org/a b"c', "http://a.org/a%20b%22c"),
        ("http://a.org/a/./b/../c/%2e%2E/d", "http://a.org/a/d"),
        ("http://a.org/a//b/", "http://a.org/a//b/"),
        ("http://a.org\\b\\c", "http://a.org/b/c"),
        ("http://a.org/a\n\tb", "http://a.org/ab"),
        ("http://a.org/#top", "http://a.org/"),
        ("http://a.org/#!/page", "http://a.org/#!/page"),
        ("http://a.org/?", "http://a.org/"),
        ("http://a.org?b=1&a=2", "http://a.org/?b=1&a=2"),
        ("http://a.org/?utm_source=x&id=1&UTM_Medium=y&fbclid=z", "http://a.org/?id=1"),
        ("http://a.org/?gclid=1&gclid=2", "http://a.org/"),
        ("http://a.org/?gclid", "http://a.org/"),
        ("http://a.org/?xgclid=1&gclidx=2&a=gclid", "http://a.org/?xgclid=1&gclidx=2&a=gclid"),
        ("http://a.org/?a=1&&b=2", "http://a.org/?a=1&&b=2"),
        ("http://www.a.org/", "http://www.a.org/"),
        ("svn+ssh://a.org/x", "svn+ssh://a.org/x"),
    ],
)
def test_what_names_one_page_is_one(url, one):
    """RFC 3986, 6.2.2 and 6.2.3, the URL standard's encoding, and no tracking; nothing that may name another page."""
    assert canonical(url) == [one]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/a",
        "//example.com/",
        "mailto:a@b.org",
        "http://",
        "http:///a",
        "http://a b/",
        "http://a:b/",
    ],
)
def test_what_has_no_host_is_no_url(text):
    """NULL, as of NULL, and beside others that are."""
    assert canonical(text, None, "http://a.org/") == [None, None, "http://a.org/"]


LETTERS = "aZ0/.%2e?&=#:@[]\\ ~é中ut_mgclid;+!"
URLS = st.builds("http://{}.org{}".format, st.sampled_from(["a", "WWW.b"]), st.text(LETTERS, max_size=25))


@given(st.lists(URLS, max_size=4))
@example(["http://a.org/%%41B", "http://a.org/..%2f..", "http://a.org/?&&utm_a=1&&"])
def test_the_one_form_stays(urls):
    """Canonical once is canonical for good, whatever else is in the batch."""
    found = canonical(*urls)
    assert [canonical(one)[0] for one in found if one] == [one for one in found if one]
    assert [canonical(url)[0] for url in urls] == found


def remove_dot_segments(rest: str) -> str:
    """RFC 3986, section 5.2.4, step by step as it stands there."""
    done = ""
    while rest:
        if rest.startswith(("../", "./")):
            rest = rest.partition("/")[2]
        elif rest.startswith("/./") or rest == "/.":
            rest = "/" + rest[3:]
        elif rest.startswith("/../") or rest == "/..":
            rest, done = "/" + rest[4:], done.rpartition("/")[0]
        elif rest in {".", ".."}:
            rest = ""
        else:
            end = rest.find("/", 1) if "/" in rest[1:] else len(rest)
            done, rest = done + rest[:end], rest[end:]
    return done


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "é", "%41", "..."]), min_size=1, max_size=6))
@example(["..", "..", "", "."])
def test_a_path_means_what_it_meant(segments):
    """As the RFC and the standard library resolve it: dots go and nothing is decoded into another path."""
    path = "/x/" + "/".join(segments)
    (one,) = canonical(f"http://a.org{path}")
    assert unquote(urlsplit(one).path) == unquote(remove_dot_segments(path))
    if segments.count("..") <= 1:  # of more the standard library goes above the root
        assert unquote(urlsplit(one).path) == unquote(urlsplit(urljoin("http://a.org/x", path)).path)


PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["id", "utm_x", "gclid", "page", "_ga"]), st.text("ab1", min_size=1, max_size=3)
    ),
    max_size=5,
)


@given(PARAMETERS)
def test_parameters_keep_their_order_and_values(parameters):
    """Those that track are gone and no others."""
    (one,) = canonical("http://a.org/?" + "&".join(f"{name}={value}" for name, value in parameters))
    kept = [(name, value) for name, value in parameters if name in {"id", "page"}]
    assert parse_qsl(urlsplit(one).query) == kept


def test_tracking_parameters_are_names():
    """Each is a pattern of one parameter's name."""
    assert all(
        canonical(f"http://a.org/?{name.replace('[^=&]*', 'x')}=1") == ["http://a.org/"] for name in TRACKING
    )
