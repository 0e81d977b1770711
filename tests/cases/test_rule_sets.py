"""Good text that the rule sets once dropped, and languages that had none."""

import random

import pytest

import refinery

LEAFLET = """Package leaflet: information for the patient

Read all of this leaflet carefully before you start taking this medicine because it contains important information.
- Keep this leaflet. You may need to read it again.
- If you have any further questions, ask your doctor or pharmacist.
- This medicine has been prescribed for you only. Do not pass it on to others.

1. What this medicine is and what it is used for
This medicine contains 20 mg of the active substance. It is used to treat high blood pressure in adults.

2. What you need to know before you take it
Do not take this medicine:
- if you are allergic to the active substance or any of the other ingredients;
- if you are more than 3 months pregnant;
- if you have severe liver problems.

4. Possible side effects
Very common (may affect more than 1 in 10 people):
- headache
- dizziness
Common (may affect up to 1 in 10 people):
- nausea
- rash
- cough

5. How to store this medicine
Keep this medicine out of the sight and reach of children. Do not store above 30 °C.
"""
APPEAL = """1. This is an appeal against the order of the tribunal of 12 May 2019, [2019] UKFTT 123 (TC), by which
the claim of the appellant was dismissed after a hearing that lasted for two days, and against its order of costs.
2. The appellant relies on Smith v Jones [1999] 1 AC 45, at [23]-[25], and Re A (Costs) [2003] EWCA Civ 12.
3. Section 4(1)(b) of the 1986 Act, as amended by s 12(3) of the 2004 Act, says that a person who "knew or ought to
have known" of the defect is liable for it to those who could not have known of it when they bought the goods.
4. In my judgment the appeal must be dismissed, for the reasons that the tribunal gave at [45] and [46] of it.
"""
WRAPPED = """(1) Wer einem anderen einen Schaden zufügt, den er hätte vermeiden
können, ist ihm zum Ersatz des Schadens verpflichtet, der daraus
entsteht, es sei denn, dass er die Pflicht nicht zu vertreten hat.

(2) Die gleiche Pflicht trifft denjenigen, der gegen ein Gesetz
verstößt, das den Schutz eines anderen bezweckt, soweit er nach dem
Inhalt des Gesetzes auch ohne Verschulden dagegen verstoßen kann.

(3) Ist nach dem Inhalt des Gesetzes ein Verstoß auch ohne Verschulden
möglich, so tritt die Ersatzpflicht nur im Falle des Verschuldens ein.
"""
QUOTED = "\n".join(
    f"He asked for the {thing} and said that it was “not to be had at any price that we have to pay.”"
    for thing in ("first book", "old house", "new road", "last word", "long way")
)
ARTICLES = (
    "为了加强电梯安全管理，预防和减少事故，保障人身和财产安全，根据有关法律、行政法规，制定本办法",
    "县级以上地方人民政府电梯安全监督管理部门负责本行政区域内电梯安全的监督管理工作",
    "电梯使用管理单位应当在三十日内向县级以上地方人民政府电梯安全监督管理部门办理使用登记",
    "电梯维护保养单位应当具备相应的资质，并按照安全技术规范的要求进行维护保养，作好记录",
    "电梯使用管理单位应当将合同副本报送县级以上地方人民政府电梯安全监督管理部门备案",
    "发现存在严重事故隐患的，应当停止使用并报告县级以上地方人民政府电梯安全监督管理部门",
    "任何单位和个人有权向县级以上地方人民政府电梯安全监督管理部门举报违反本办法的行为",
    "违反本办法规定的，由县级以上地方人民政府电梯安全监督管理部门责令改正，处一万元以下罚款",
)
STATUTE = "\n".join(f"第{'一二三四五六七八'[i]}条　{article}。" for i, article in enumerate(ARTICLES))


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (LEAFLET, ["gopher", "c4", "fineweb"]),
        (APPEAL, ["gopher", "c4", "fineweb"]),
        (QUOTED, ["c4", "fineweb"]),
        (WRAPPED, ["de"]),
        (STATUTE, ["zh"]),
    ],
    ids=["leaflet", "appeal", "quotations", "wrapped statute", "Chinese statute"],
)
def test_good_text_of_a_domain_is_kept(text, rules):
    """Brackets, citations, bullets, closing quotation marks, hard wraps, names of authorities that repeat."""
    table = refinery.measure([text], ["signals"])
    assert refinery.decide(table, rules)["rule"].to_pylist() == [None]


def test_junk_is_dropped_still():
    """A menu, a price list, one line over and over, and letters of a wrong encoding."""
    rng = random.Random(1)
    menu = "\n".join(
        f"{rng.choice(('Home', 'News', 'Shop', 'Login', 'Contact us'))} | {i}" for i in range(60)
    )
    prices = "\n".join(f"Item {i} 12.{i:02} 4,{i:03} {i}.99" for i in range(60))
    again = "\n".join(["Buy the best pills that you can have with our offer of the day."] * 30)
    broken = ("Der Käufer für die Größe über " * 20).encode("utf-16-le").decode("latin-1")
    table = refinery.measure([menu, prices, again, broken], ["signals"])
    assert None not in refinery.decide(table, ["gopher", "c4", "fineweb"])["rule"].to_pylist()


def test_vietnamese_has_a_set():
    """Short English rows fall to its first rule; a language without always counted stop words says what to write."""
    table = refinery.measure(["A short text of the wrong language."], ["signals"])
    assert refinery.decide(table, ["vi"])["rule"].to_pylist() == ["vi.short"]
    with pytest.raises(refinery.DefinitionError, match=r"write `\{signals: \{stop_words: \[uk\]\}\}`"):
        refinery.decide(table, ["uk"])
