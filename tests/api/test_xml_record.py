"""Which element of an XML file may be its documents."""

import pytest

from refinery.api.xml_record import propose_record

SENTENCE = "This is one of many sentences. "


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        # a dump of pages, cut off in the middle of one
        (
            [f"<wiki xmlns='u'>{f'<page><id>1</id><rev><text>{SENTENCE}</text></rev></page>' * 3}<page><re"],
            ("/wiki/page", ("rev.text",)),
        ),
        # several parts of a record; files of which the first has no answer
        (
            ["<D><f>A b c</f><P><QA><Q>What is it now?</Q><A/></QA><QA><Q>What is it?</Q></QA></P></D>"]
            + [f"<D><f>x</f><P>{f'<QA><Q>What is it?</Q><A>{SENTENCE}</A></QA>' * 2}</P></D>"] * 2,
            ("/D/P/QA", ("Q", "A")),
        ),
        # a document a file: what comes again are its paragraphs, what is about it is left out
        (
            [f"<TEI><teiHeader>{SENTENCE}</teiHeader><text><body>{f'<p>{SENTENCE}</p>' * 9}</body></text></TEI>"],
            ("/TEI", ("text.body",)),
        ),
        # what annotates a document is none of its text
        (
            ["<D><Annotations><c>Of five words or so.</c></Annotations>"
             f"<P><QA><Q>What is it?</Q><A>{SENTENCE}</A></QA></P></D>"],
            ("/D", ("P.QA",)),
        ),
        # a record that is all text
        ([f"<all>{f'<doc>{SENTENCE}</doc>' * 3}</all>"], ("/all/doc", ("text",))),
        (["<posts>" + f"<row Id='1' Body='{SENTENCE}' Tags='a'/>" * 3], ("/posts/row", ("Body",))),
        (["<all><row/><row/></all>"], None),
        (["no XML", ""], None),
    ],
)  # fmt: skip
def test_the_record_and_its_text(heads, expected):
    """The outermost element that repeats and has most words; its text is what has sentences."""
    assert propose_record(head.encode() for head in heads) == expected
