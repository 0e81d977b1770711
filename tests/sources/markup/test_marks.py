import pytest

from .test_main_content import extracted


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("5 &times; 10<sup>6</sup> CFU", "5 × 10^6 CFU"),
        ("10<sup>-3</sup>", "10^-3"),
        ("10<sup>−3</sup>", "10^−3"),
        ("12 m<SUP>2</SUP>", "12 m^2"),
        ("H<sub>2</sub>O", "H_2O"),
        ("x<sup>n + 1</sup>", "x^(n + 1)"),
        ("x<sub>i</sub><sup>2</sup>", "x_i^2"),
        ("2<sup>2<sup>n</sup></sup>", "2^(2^n)"),
        ("Ca<sup>2+</sup>, Na<sup>+</sup>", "Ca^2+, Na^+"),
        ("<sup>14</sup>C", "^14C"),
        ("the 1<sup>st</sup> and 2<sup>e</sup>", "the 1st and 2e"),
        ("Name<sup>®</sup>, Other<sup>TM</sup>", "Name®, Other™".replace("™", "TM")),
        ("held.<sup>1</sup>", "held.^1"),
        ("held.<sup><a href=#n1>1</a></sup>", "held.[1]"),
        ("held.<a href=#n1><sup>1</sup></a>", "held.[1]"),
        ("held.<sup>[1]</sup>", "held.[1]"),
        (
            "text <sup>which is only set in small print here</sup>",
            "text which is only set in small print here",
        ),
        ("on <time>5 May 2020</time> in Rome", "on 5 May 2020 in Rome"),
        ("he said <q>yes</q>", "he said “yes”"),
        ("<ruby>漢字<rt>かんじ</rt></ruby>", "漢字(かんじ)"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>", "漢字(かんじ)"),
        ("<math><msup><mi>y</mi><mn>2</mn></msup></math>", "y^2"),
        ("<math><mfrac><mn>1</mn><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfrac></math>", "1/(a+b)"),
        ("<math><msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup></math>", "x_i^2"),
        ("<math><msqrt><mn>2</mn><mi>x</mi></msqrt></math>", "√(2 x)"),
        (
            "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>{\\displaystyle x^2}"
            "</annotation></semantics></math>",
            "$x^2$",
        ),
        ("<span style='display: none'><math alttext='\\alpha'><mi>α</mi></math></span>", "$\\alpha$"),
        ("<script type='math/tex'>\\beta</script> and <script>x</script>", "$\\beta$ and"),
    ],
)
def test_marks_are_written(html, text):
    """What a reader sees above, below, quoted or hidden beside an image stands in the text."""
    assert extracted(f"<p>{html}</p>") == text


def test_a_summary_is_a_line():
    """It does not melt into what it opens."""
    assert extracted("<details><summary>Why?</summary>Because.</details>") == "Why?\nBecause."
