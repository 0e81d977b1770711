"""XML by records, compared with lxml's tree of the whole file."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from refinery.errors import InputError
from refinery.sources.shards import list_shards

from .reading import read_all, spec

QUESTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE Document [<!ENTITY drug "aspirin">]>
<Document id="0000001" source="ADAM" url="https://example.org/1">
  <Focus>Headache</Focus>
  <QAPairs>
    <QAPair pid="1">
      <Question qid="0000001-1" qtype="treatment">What helps &amp; how?</Question>
      <Answer>First &drug;.

Then <i>rest</i> for x &lt; 3 days.</Answer>
    </QAPair>
    <QAPair pid="2"><Question qid="0000001-2" qtype="causes">Why?</Question><Answer><![CDATA[<b>]]></Answer></QAPair>
    <QAPair pid="3"><Question qid="0000001-3" qtype="causes">Who?</Question><Answer/></QAPair>
  </QAPairs>
</Document>"""


def test_several_records_of_a_file(tmp_path):
    """As MedQuAD has them: text and id below a record, attributes of what is around it carried."""
    (tmp_path / "a.xml").write_text(QUESTIONS)
    found = read_all(
        spec(tmp_path, record="QAPair", text=("Question", "Answer"), id="Question@qid"), carry=True
    )
    assert found.ids == ["0000001-1", "0000001-2", "0000001-3"]
    assert found.texts == [
        "What helps & how?\n\nFirst aspirin.\n\nThen rest for x < 3 days.",
        "Why?\n\n<b>",
        "Who?",
    ]
    assert found.columns[0] == {
        "Document@id": "0000001",
        "Document@source": "ADAM",
        "Document@url": "https://example.org/1",
        "pid": "1",
        "Question@qtype": "treatment",
    }


def test_attributes_alone(tmp_path):
    """As Stack Exchange's dumps have them."""
    (tmp_path / "Posts.xml").write_text(
        '<posts><row Id="4" Body="&lt;p&gt;Hi&#xA;" /><row Id="5" Body="Ho"/></posts>'
    )
    found = read_all(spec(tmp_path, record="row", text="Body", id="Id"))
    assert (found.ids, found.texts) == (["4", "5"], ["<p>Hi\n", "Ho"])


def test_the_text_of_what_has_parts(tmp_path):
    """Paragraphs by blank lines, inline elements within them; namespaces and comments change nothing."""
    (tmp_path / "a.xml").write_text(
        '<a:set xmlns:a="urn:a" xmlns="urn:b"><article><front><title>On <i>x</i></title><year>2020</year></front>'
        "<body><sec><title>One</title><p>First <b>bold</b>, then&#160;<!-- no --><?p x?>more.</p><p>Second.</p></sec>"
        "<sec><p>Third.</p></sec></body></article></a:set>"
    )
    found = read_all(
        spec(tmp_path, record="set/article", text=("front.title", "body"), id="front.year"), carry=True
    )
    assert found.texts == ["On x\n\nOne\n\nFirst bold, then\xa0more.\n\nSecond.\n\nThird."]
    assert found.ids == ["2020"]


def test_children_are_columns(tmp_path):
    """One is its text, several of a name are a list, one with children is an object."""
    (tmp_path / "a.xml").write_text(
        "<l><d><id>1</id><text>T</text><tag>a</tag><tag>b</tag><meta kind='x'><n>3</n></meta><no/></d></l>"
    )
    found = read_all(spec(tmp_path, record="d"), carry=True)
    assert found.columns == [{"tag": ["a", "b"], "meta": {"kind": "x", "n": "3"}, "no": None}]


WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=10)


@given(
    rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6),
    indent=st.booleans(),
    size=st.integers(1, 99),
)
def test_records_are_those_of_a_tree(tmp_path_factory, rows, indent, size):
    """Whatever characters, layout and blocks: lxml writes it and reads it whole."""
    root = etree.Element("root")
    for name, text in rows:
        record = etree.SubElement(root, "doc", name=name)
        etree.SubElement(record, "text").text = text
    if indent:
        etree.indent(root)
    path = tmp_path_factory.mktemp("xml") / "a.xml"
    path.write_bytes(etree.tostring(root, encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("refinery.sources.xml._FEED", size)
        found = read_all(spec(path, record="/root/doc", id="name"))
    tree = etree.parse(str(path))
    assert found.ids == tree.xpath("//doc/@name")
    assert found.texts == [text.strip() for text in tree.xpath("//doc/text/text()")]


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "latin-1"])
def test_the_encoding_of_a_source_goes_before_what_a_file_says(tmp_path, encoding, declared):
    """Or does not say; what is not of it ends the file as what is broken does."""
    word = "Gr\u00f6\u00dfe" if encoding == "latin-1" else "\u6cd5\u5f8b"
    record = f"<doc><text>{word}</text></doc>"
    path = tmp_path / "a.xml"
    path.write_bytes(f"{declared}<root>{record * 3}</root>".encode(encoding))
    assert read_all(spec(path, record="doc", encoding=encoding)).texts == [word] * 3
    path.write_bytes(f"<root>{record}".encode("gb18030") + b"<doc><text>\xff</text></doc></root>")
    if encoding == "gb18030":
        found = read_all(spec(path, record="doc", encoding=encoding))
        assert (found.texts, found.reasons) == ([word], ["truncated_file"])


@pytest.mark.parametrize(
    ("content", "record", "problem"),
    [
        (QUESTIONS, None, "none is named .set `record` .* there is Document, Focus, QAPairs, QAPair"),
        (QUESTIONS, "QAPairz", "there is no element 'QAPairz' .there is Document, Focus"),
        (QUESTIONS, "/QAPair", "there is no element '/QAPair'"),
    ],
)
def test_a_record_that_is_not_there_is_told_in_planning(tmp_path, content, record, problem):
    """With the names of elements that are."""
    (tmp_path / "a.xml").write_text(content)
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path, record=record))


@pytest.mark.parametrize(
    "rest",
    ["<d><text>c", "<d><text>c</d>", "<d>&unknown;</d>", "\x00", "</l><l>", "<d b=c>"],
)
def test_a_broken_file_gives_the_records_before(tmp_path, rest):
    """And one reject says where it breaks."""
    (tmp_path / "a.xml.gz").write_bytes(
        gzip.compress(f"<l><d><text>a</text></d><d><text>b</text></d>{rest}".encode())
    )
    found = read_all(spec(tmp_path, record="d"))
    assert (found.texts, found.reasons) == (["a", "b"], ["truncated_file"])


def test_entities_are_safe(tmp_path):
    """Names of HTML are known, files are not opened, and what would grow without end is refused."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    head = '<!DOCTYPE l SYSTEM "x.dtd">'
    (tmp_path / "a.xml").write_text(f"{head}<l><d><text>5&nbsp;&micro;g</text></d></l>")
    (tmp_path / "b.xml").write_text(
        f'<!DOCTYPE l [<!ENTITY f SYSTEM "{secret}">]><l><d><text>x&f;y</text></d></l>'
    )
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    (tmp_path / "c.xml").write_text(f'<!DOCTYPE l [<!ENTITY l0 "lol">{lol}]><l><d><text>&l9;</text></d></l>')
    found = read_all(spec(tmp_path / "*.xml", record="d"))
    assert found.texts[0] == "5\xa0µg"
    assert "secret" not in "".join(found.texts)
    assert max(map(len, found.texts)) < 1000
    assert "truncated_file" in found.reasons


def test_where_a_record_lies_does_not_make_it_long(tmp_path):
    """Records below the limit are read wherever the file is cut as it is read."""
    record = f"<d><text>{'word ' * 200}</text></d>\n"
    (tmp_path / "a.xml").write_text(f"<l>{record * 300}</l>")
    found = read_all(spec(tmp_path, record="d", max_document_bytes=2000))
    assert (len(found.texts), found.rejects) == (300, [])


def test_long_and_deep_records_are_rejects(tmp_path):
    """Those beside them are read."""
    deep = "<x>" * 2000 + "</x>" * 2000
    (tmp_path / "a.xml").write_text(
        f"<l><d><text>{'a' * 9000}</text></d><d>{deep}</d><d><text>b</text></d></l>"
    )
    found = read_all(spec(tmp_path, record="d", max_document_bytes=8000))
    assert (found.texts, found.reasons) == (["b"], ["oversize_row", "too_deep"])
