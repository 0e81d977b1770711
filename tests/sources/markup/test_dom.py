from resiliparse.parse.html import HTMLTree

from refinery.sources.markup.dom import line, link_share, nodes, rename, write


def first(html: str, selector: str):
    tree = HTMLTree.parse(f"<body>{html}</body>")
    return tree, tree.body.query_selector(selector)


def test_an_element_is_renamed_with_all_it_has():
    """Attributes and children stay, in their order."""
    tree, element = first("a<ul class=x id=y>b<li>c</li><!-- d --></ul>e", "ul")
    assert rename(tree.document, element, "ol").tag == "ol"
    assert tree.body.inner_html == 'a<ol class="x" id="y">b<li>c</li><!-- d --></ol>e'


def test_an_element_becomes_text():
    """Markup in it is none."""
    tree, element = first("a<b>c</b>d", "b")
    write(tree.document, element, "<x>")
    assert tree.body.inner_html == "a&lt;x&gt;d"


def test_the_share_of_text_in_links():
    """By characters, white space collapsed; no text is no link."""
    assert link_share(first("<p><a>abc</a>  def </p>", "p")[1]) == 3 / 7
    assert link_share(first("<p></p>", "p")[1]) == 0


def test_a_line_has_spaces_where_blocks_part_words():
    """Not where elements of the line do."""
    assert line(first("<td><p>a<b>b</b></p>c<br>d<script>x</script><div>e</div></td>", "p")[1]) == "ab"
    assert line(first("<div>a<p>b<i>c</i></p>d<br>e<script>x</script></div>", "div")[1]) == "a bc d e"


def test_nodes_begin_and_end_however_deep():
    """In document order; depth is no recursion."""
    _, element = first("<p>" + "<b>" * 3000 + "x", "p")
    found = list(nodes(element))
    assert sum(begins for _, begins in found) == len(found) // 2 + 1
