import pytest

from refinery.sources.markup.main_content import main_content

TEXT = "The patient was seen again after four weeks and had recovered by then, as was to be expected."


def page(*blocks: str) -> str:
    return f"<html><body><article><p>{TEXT}</p>{''.join(blocks)}</article></body></html>"


def extracted(*blocks: str) -> str:
    return main_content(page(*blocks)).removeprefix(TEXT).strip("\n")


@pytest.mark.parametrize("depth", range(6))
def test_a_list_of_content_is_kept_however_deep_it_lies(depth):
    """Few elements above it are no reason to leave it out, and none to keep a menu."""
    items, menu = "<ul><li>Headache<li>Rash</ul>", "<ul><li><a>Home</a><li><a>Contact</a></ul>"
    around = f"{'<div>' * depth}{menu}<p>{TEXT}</p>{items}{'</div>' * depth}"
    assert main_content(f"<body>{around}</body>") == f"{TEXT}\n\n  • Headache\n  • Rash"


def test_preformatted_text_and_definitions_are_kept():
    """Line ends and spaces of `pre`, also in a figure; terms and what they mean, a line each."""
    code = "def f():\n    return 1\n\n  x"
    assert extracted(f"<figure><pre>{code}</pre></figure>") == code
    assert extracted("<dl><dt>Term<dd>one<dd>two</dl>") == "Term\none\ntwo"


def test_menus_cookie_notices_comments_and_meta_data_are_gone():
    """They are none of the main content; a forum, where all is comments, is not left empty."""
    junk = (
        "<nav><ul><li>Menu</ul></nav><div class='cookie-banner'>We use cookies.</div>"
        "<div id=CookieConsentModal><p>Accept</p></div><div id=onetrust-consent-sdk>Accept</div>"
        "<div><div><div class='comments'>First!</div><p class='byline'>By X</p></div></div>"
    )
    assert main_content(page("<p>End.</p>" + junk * 2)) == f"{TEXT}\n\nEnd."
    recipe = f"<div class='has-cookie-banner'><main><p>{TEXT}</p></main></div><p class=cookie-dough>Bake.</p>"
    assert main_content(f"<body>{recipe}</body>") == f"{TEXT}\n\nBake."
    assert main_content(f"<body><div class=comments><p>{TEXT}</p></div></body>") == TEXT


def test_a_lone_character_is_text():
    """A cell or an emphasis of one Chinese character is no icon; a private character is."""
    assert extracted("<p>他<b>说</b>话<i>\ue001</i></p><ul><li>一<li> 二 </ul>") == "他说话\n\n  • 一\n  • 二"


def test_a_page_whose_main_content_cannot_be_found_gives_its_paragraphs():
    """All of it hidden, by a class on the body's only child, is no reason to lose it."""
    text = f"{TEXT} {TEXT} {TEXT}"
    assert main_content(f"<body><div class=sidebar><nav>Menu</nav><p>{text}</p></div></body>") == text
    assert main_content("<body><div class=sidebar><nav>Menu</nav><p>short</p></div></body>") == ""


@pytest.mark.parametrize("empty", ["", "<html>", "<frameset><frame></frameset>", "<body></body>"])
def test_a_page_without_text_is_empty(empty):
    """No body, or nothing in it, is no error."""
    assert main_content(empty) == ""
