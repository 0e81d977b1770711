"""What a definition protects, resolved: sources, stages, mistakes, and what is made again."""

import json
from types import SimpleNamespace

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError, InputError
from refinery.plan.graph import Graph, Making, View
from refinery.plan.plan import make_plan
from refinery.plan.resolve import resolve
from tests.conftest import PIPELINE, document, write_parquet
from tests.run.planning import plan_of

PROTECT = "protect:\n  heldout: {from: heldout}\n  exams: {benchmark: 'eval/*.jsonl', columns: [question, answer]}\n"
PROTECTED = PIPELINE.replace("sources:\n", f"{PROTECT}sources:\n  heldout: {{path: 'held/*.parquet'}}\n")


@pytest.fixture
def repository(data_repository):
    """The data repository with a held-out source and a benchmark."""
    write_parquet(data_repository / "held" / "0.parquet", [{"id": "h", "text": document(100)}])
    (data_repository / "eval").mkdir()
    item = {"question": "Which vessel carries blood from the lungs?", "answer": "the pulmonary vein"}
    (data_repository / "eval" / "exam.jsonl").write_text(json.dumps(item) + "\n")
    (data_repository / "pipeline.yaml").write_text(PROTECTED)
    return data_repository


def graph_of(repository, old="", new=""):
    assert old in PROTECTED
    (repository / "pipeline.yaml").write_text(PROTECTED.replace(old, new))
    return resolve(load(repository / "pipeline.yaml"))


def test_nothing_is_implied_where_nothing_is_protected(repository):
    """No stage, no source."""
    graph = graph_of(repository, PROTECT)
    assert [*graph.stages] == ["screened", "unique"]
    assert [*graph.sources] == ["heldout", "crawl"]
    assert graph.stage_of("unique").name == "unique"


def test_a_stage_before_each_output_leaves_out_what_is_protected(repository):
    """One for all outputs of a stage; a column of a benchmark is a source."""
    outputs = "outputs:\n  again: {from: unique, path: again}\n  screened: {from: screened, path: screened}\n"
    graph = graph_of(repository, "outputs:\n", outputs)
    implied = {name: stage.parents for name, stage in graph.stages.items() if name.startswith("protect:")}
    assert implied == {"protect:unique": ("unique",), "protect:screened": ("screened",)}
    assert graph.stage_of("unique") == graph.stage_of("again") == graph.stages["protect:unique"]
    sources = ("heldout", "protect:exams.question", "protect:exams.answer")
    assert tuple(graph.stage_of("unique").against) == sources
    assert [spec.texts for name, spec in graph.sources.items() if name in sources] == [
        ("text",),
        ("question",),
        ("answer",),
    ]


def test_what_is_compared_in_another_way_has_a_stage_of_its_own(repository):
    """In a chain, each with its settings; what is compared alike is compared together."""
    graph = graph_of(repository, "{from: heldout}", "{from: heldout, near: {similarity: 0.6}}")
    last = graph.stage_of("unique")
    assert (last.name, last.parents) == ("protect:unique.2", ("protect:unique",))
    protected = [graph.stages[name].verb.protected for name in (*last.parents, last.name)]
    assert [*map(list, protected)] == [["heldout"], ["exams"]]
    assert graph.stages["protect:unique"].verb.near.similarity == 0.6


def test_held_out_text_is_transformed_as_its_source_says(repository):
    """And that of a benchmark as every source is."""
    graph = graph_of(repository, "sources:\n", "transform: [normalize]\nsources:\n")
    (normalize,) = graph.stages["screened"].views["crawl"].transforms[:1]
    views = graph.stage_of("unique").against
    assert {view.transforms for view in views.values()} == {(normalize,)}
    assert {view.source for view in views.values()} == views.keys()


def test_nothing_is_counted_over_a_benchmark(repository):
    """An answer that many items have is no repeated line of them that goes before it is compared with."""
    graph = graph_of(repository, "sources:\n", "transform: [normalize, {lines: {repeated: 1%}}]\nsources:\n")
    views = graph.stage_of("unique").against
    names = {source: [one.name for one in view.transforms] for source, view in views.items()}
    assert names["heldout"] == ["normalize"]
    assert names["protect:exams.answer"] == ["normalize"]
    assert not any("exams" in name for name in graph.makings)


def test_a_held_out_source_that_comes_is_compared_as_it_is_held(repository):
    """What the stage does to the text of its own documents is not done to that of protected ones."""
    graph = graph_of(repository, "from: crawl", "from: [heldout, crawl]")
    last = graph.stage_of("unique")
    assert last.views["heldout"].transforms and not last.against["heldout"].transforms
    assert {measured.view for measured in last.own["heldout"]} == {last.against["heldout"]}
    assert {measured.view for measured in last.own["crawl"]} == {last.views["crawl"]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "{from: heldout}",
            "{from: helout}",
            "protect.heldout.from: no source 'helout'; did you mean",
        ),
        ("{from: heldout}", "{from: unique}", "protect.heldout.from: 'unique' is a stage"),
        (
            "{from: heldout}",
            "{from: heldout, benchmark: x}",
            "protect.heldout: give `from`, sources, or `benchmark`",
        ),
        ("{from: heldout}", "{}", "protect.heldout: give `from`, sources, or `benchmark`"),
        ("{from: heldout}", "{from: heldout, columns: a}", "protect.heldout: `columns` are of a `benchmark`"),
        (
            "{from: heldout}",
            "{from: heldout, exact: false, near: null}",
            "neither exact, near nor overlap is asked for",
        ),
        ("{from: heldout}", "{from: heldout, nere: {}}", "unknown key; did you mean"),
        ("'eval/*.jsonl'", "'{evil}/*.jsonl'", "protect.exams.benchmark: "),
        (
            "from: crawl",
            "from: heldout",
            "outputs.unique.from: all documents of 'unique' are protected, none would be left",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(old, new, message, repository):
    """Of form and of meaning."""
    with pytest.raises(DefinitionError) as told:
        graph_of(repository, old, new)
    assert message in str(told.value), str(told.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"q": "x"}\n', r"no text in the column 'question'.*there is q"),
        ('{"question": 1, "answer": "x"}\n', r"no text in the column 'question'.*is a JSON number"),
        ("\n", r"no text in the column 'question'.*they are empty"),
        (
            '{"question": " \\n", "answer": "x"}\n' * 2,
            r"no text in the column 'question'.*no letter and no digit",
        ),
    ],
)
def test_a_benchmark_without_texts_is_refused(content, problem, repository):
    """Before anything is read of the others: comparing with nothing would pass for protection."""
    (repository / "eval" / "exam.jsonl").write_text(content)
    with pytest.raises(InputError, match=problem) as told:
        plan_of(repository / "pipeline.yaml")
    assert "exam" in str(told.value)


def test_a_column_that_no_file_of_a_benchmark_has_is_told(repository):
    """With those that there are, in Parquet too, and all of them at once."""
    write_parquet(repository / "eval" / "exam.parquet", [{"q": "Which one?", "a": "This one."}])
    (repository / "eval" / "exam.jsonl").unlink()
    (repository / "pipeline.yaml").write_text(PROTECTED.replace("*.jsonl", "*.parquet"))
    with pytest.raises(DefinitionError) as raised:
        plan_of(repository / "pipeline.yaml")
    ends = [problem.partition(": ")[2] for problem in raised.value.problems]
    assert ends == [
        f"no text column {name!r} (there is q, a; name one of them)" for name in ("question", "answer")
    ]


def test_a_benchmark_is_read_up_to_its_first_text(repository):
    """Files without a text in the column are passed over, however many there are."""
    for number in range(20):
        (repository / "eval" / f"a{number:02}.jsonl").write_text('{"answer": "x", "question": null}\n')
    listed = plan_of(repository / "pipeline.yaml").listed["protect:exams.question"]
    assert len(list(listed.unpacked())) == 21


def test_an_unreadable_protected_file_is_refused(repository):
    """Even where a source would pass over it: protection from a part would pass for the whole."""
    (repository / "held" / "1.parquet").write_bytes(b"PAR1 no Parquet file PAR1")
    file = repository / "pipeline.yaml"
    with pytest.raises(InputError, match=r"1\.parquet: the footer cannot be read"):
        plan_of(file)
    file.write_text(file.read_text().replace("'held/*.parquet'", "'held/*.parquet', on_error: quarantine"))
    with pytest.raises(InputError, match="`protect` compares with all of heldout") as told:
        plan_of(repository / "pipeline.yaml")
    assert "1.parquet" in str(told.value)


def test_a_benchmark_that_is_not_there_is_told(repository):
    """With the path that was asked for."""
    (repository / "eval" / "exam.jsonl").unlink()
    with pytest.raises(InputError, match=r"eval/\*\.jsonl"):
        plan_of(repository / "pipeline.yaml")


LEFT_OUT = {"stages.protect:unique.protect", "outputs.unique"}
MEASURED = {
    "held/0.parquet": {f"sources.heldout{end}" for end in ("", ".content", ".minhash")},
    "eval/exam.jsonl": {
        f"sources.protect:exams.{column}{end}"
        for column in ("question", "answer")
        for end in ("", ".content", ".minhash")
    },
    "setting": {"stages.protect:unique.2", "stages.protect:unique.2.protect"},
    "order": set(),
}


def keys_of(repository, text=PROTECTED):
    (repository / "pipeline.yaml").write_text(text)
    results = plan_of(repository / "pipeline.yaml").results
    return {name: result.key for name, result in results.items()}


@pytest.mark.parametrize("changed", MEASURED)
def test_a_change_makes_again_what_depends_on_what_is_protected(changed, repository):
    """The outcome of `protect`, the outputs below it and what is measured on a file that changed; nothing else."""
    before = keys_of(repository)
    text = PROTECTED
    if changed == "setting":
        text = text.replace("{from: heldout}", "{from: heldout, near: {similarity: 0.7}}")
    elif changed == "order":
        text = text.replace(PROTECT, "protect:\n" + "".join(reversed(PROTECT.splitlines(keepends=True)[1:])))
    elif changed.endswith("parquet"):
        write_parquet(repository / changed, [{"id": "h", "text": document(101)}])
    else:
        with (repository / changed).open("a") as file:
            file.write('{"question": "Why?", "answer": "because"}\n')
    after = keys_of(repository, text)
    assert {name for name in after if after[name] != before.get(name)} == LEFT_OUT | MEASURED[changed]


def test_what_a_model_is_made_of_is_protected_too():
    """Its inputs are replaced by the stages that leave out what is protected; the source of a count is as it is."""
    read = {"positive": ("seeds",), "negative": ("screened", "other")}
    maker = SimpleNamespace(inputs=read, makes="model")
    protected = {"seeds": "protect:seeds", "screened": "protect:screened"}
    graph = Graph(None, {}, {}, {}, {}, {}, {}, protected, {})
    assert graph.inputs_of(Making(maker)) == {
        "positive": ("protect:seeds",),
        "negative": ("protect:screened", "other"),
    }
    assert graph.inputs_of(Making(maker, View("seeds"))) == {"positive": ("seeds",), "negative": ("seeds",)}


def test_the_files_are_read_once_for_all_outputs(repository):
    """A benchmark is no source of each stage."""
    outputs = "outputs:\n  screened: {from: screened, path: screened}\n"
    (repository / "pipeline.yaml").write_text(PROTECTED.replace("outputs:\n", outputs))
    plan = make_plan(resolve(load(repository / "pipeline.yaml")), repository / "work", shard_bytes=1 << 20)
    assert len(plan.of("protect:exams.question")) == 1
    (measured,) = (
        m for m in plan.graph.measurements("crawl") if m.measurer.name == "minhash" and m.view.transforms
    )
    assert measured in plan.graph.stage_of("unique").own["crawl"]
    assert measured in plan.graph.stage_of("screened").own["crawl"]
