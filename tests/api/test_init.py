"""A first definition for the files that lie in a folder."""

import json

import jsonschema
import pytest
import yaml

import refinery
from refinery.api.init import SCHEMA, init
from refinery.errors import InputError
from tests.conftest import chinese_document, document, write_parquet


@pytest.fixture
def files(tmp_path):
    """Two folders, files beside each other, and what is no data."""
    write_parquet(tmp_path / "my crawl" / "0.parquet", [{"id": n, "content": document(n)} for n in range(9)])
    (tmp_path / "unique").mkdir()
    (tmp_path / "unique" / "a.md").write_text("# A page\n\nOf a few words.")
    (tmp_path / "a.jsonl").write_text(json.dumps({"body": "A text."}))
    (tmp_path / "README.md").write_text("What lies here.")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("print()")
    return tmp_path


def test_it_checks_and_runs(files):
    """Each source with its text column, under a name that is free; what is no data is none."""
    definition = refinery.init(files)
    plan = refinery.check(definition)
    assert {name: spec.text for name, spec in plan.graph.sources.items()} == {
        "my-crawl": ("content",),
        "source-unique": ("text",),
        "data": ("body",),
    }
    (output,) = refinery.run(definition, workers=1, progress=False).values()
    assert output.manifest.sources["my-crawl"].documents == 9
    assert output.manifest.kept.documents > 0


def test_what_is_looked_at_is_told(files):
    """Each source before it is read, then the languages."""
    told = []
    refinery.init(files, progress=told.append)
    assert told == ["my crawl", "unique", "*.jsonl", "the languages and rules of the first documents"]


def test_editors_know_its_schema(files):
    """The first line names it, it has an address of its own, and the definition is valid by it."""
    definition = refinery.init(files)
    assert definition.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA}\n")
    schema = json.loads((files / SCHEMA).read_bytes())
    assert schema["$id"].startswith("urn:refinery:")
    jsonschema.validate(yaml.safe_load(definition.read_text()), schema)


def test_rules_are_those_of_the_language(tmp_path):
    """With what they make of the documents that were looked at; a set that drops many of them is a comment."""
    write_parquet(tmp_path / "laws" / "0.parquet", [{"text": chinese_document(n)} for n in range(5)])
    text = refinery.init(tmp_path).read_text()
    stage = yaml.safe_load(text)["stages"]["screened"]
    assert stage["keep"] == [{"language": "lang = 'zh' AND lang_score >= 0.5"}]
    assert "      # - zh   # a rule set: of 5 documents that were looked at it drops 5, most by zh." in text


def test_languages_have_stages_of_their_own(tmp_path):
    """Each of the sources that have it, with its rules; what belongs to none is told, and all comes together."""
    english = [{"text": document(n)} for n in range(30)]
    write_parquet(
        tmp_path / "mixed" / "0.parquet", english + [{"text": chinese_document(n)} for n in range(10)]
    )
    write_parquet(
        tmp_path / "papers" / "0.parquet", [*english, {"text": chinese_document(30)}, {"text": "1 2 3"}]
    )
    definition = refinery.init(tmp_path)
    text = definition.read_text()
    stages = yaml.safe_load(text)["stages"]
    assert stages["screened-en"]["from"] == ["mixed", "papers"]
    assert stages["screened-zh"]["from"] == ["mixed"]
    assert stages["unique"]["from"] == ["screened-en", "screened-zh"]
    assert "# not kept, of the documents that were looked at: und 1" in text
    assert "gopher   # a rule set: of 60 documents that were looked at it drops " in text
    refinery.check(definition)


def test_a_few_documents_make_no_stage_of_their_language(tmp_path):
    """They are told, and so is the source that is in no stage for them; alone they have a stage."""
    write_parquet(tmp_path / "crawl" / "0.parquet", [{"text": document(n)} for n in range(20)])
    (tmp_path / "law.md").write_text(chinese_document(1))
    text = refinery.init(tmp_path).read_text()
    assert list(yaml.safe_load(text)["stages"]) == ["screened", "unique"]
    assert "# not kept, of the documents that were looked at: zh 1" in text
    assert 'data: {path: "*.md"}   # in no stage: few documents of a language' in text
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "law.md").write_text(chinese_document(1))
    assert "lang = 'zh'" in refinery.init(tmp_path / "alone").read_text()


def test_rows_without_a_text_are_told(tmp_path):
    """As in collections from which answers were removed: how many, and what most are."""
    (tmp_path / "qa").mkdir()
    pairs = "".join(f"<QA><A>{document(n) if n % 4 == 0 else ''}</A></QA>" for n in range(12))
    (tmp_path / "qa" / "a.xml").write_text(f"<All><Focus>x</Focus>{pairs}</All>")
    rows = [{"text": document(n) if n else None} for n in range(5)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "no JSON\n" * 2)
    text = refinery.init(tmp_path).read_text()
    assert "# 9 of the first 12 rows have no text, most: " in text
    assert "# 3 of the first 7 rows have no text, most: not_json" in text


@pytest.mark.parametrize(("column", "empty", "told"), [("A", 8, 8), ("A-1", 8, 8), ("A", 1, 0)])
def test_a_part_of_the_text_that_is_often_empty_is_told(tmp_path, column, empty, told):
    """With the condition that leaves such documents out, which runs as it is written."""
    (tmp_path / "qa").mkdir()
    answers = ["" if n < empty else document(n) for n in range(12)]
    pairs = "".join(
        f"<QA><Q>What is it, in {n} words?</Q><{column}>{a}</{column}></QA>" for n, a in enumerate(answers)
    )
    (tmp_path / "qa" / "a.xml").write_text(f"<All><Focus>x</Focus>{pairs}</All>")
    file = refinery.init(tmp_path)
    text = file.read_text()
    assert (
        f"within the braces, for whole ones: of the first 12 documents {told} have no {column}\n" in text
    ) == bool(told)
    if told:
        where = next(line for line in text.splitlines() if "# where: " in line).split("# ")[1].strip()
        file.write_text(text.replace("record: /All/QA", f"record: /All/QA, {where}"))
        outputs = refinery.run(file, workers=1, progress=False)
        assert next(iter(outputs.values())).manifest.sources["qa"].documents == 12 - empty


def test_each_source_is_read_as_its_files_are(tmp_path):
    """Chats, several columns, XML by its records, other encodings, web pages in a column; names that need quotes."""
    chat = [{"role": "user", "content": document(1)}, {"role": "assistant", "content": document(2)}]
    write_parquet(tmp_path / "chat" / "0.parquet", [{"messages": chat, "lang": "en"}] * 3)
    pages = [{"no": f"<html><p>{document(n)}</p></html>"} for n in range(3)]
    write_parquet(tmp_path / "page{s}" / "0.parquet", pages)
    (tmp_path / "laws").mkdir()
    laws = [json.dumps({"text": chinese_document(n)}, ensure_ascii=False) for n in range(5)]
    (tmp_path / "laws" / "a.jsonl").write_bytes("".join(f"{law}\n" for law in laws).encode("gb18030"))
    (tmp_path / "qa").mkdir()
    pairs = "".join(f"<QA><Q>What is it, in short?</Q><A>{document(n)}</A></QA>" for n in range(3))
    (tmp_path / "qa" / "a.xml").write_text(f"<All><Focus>x</Focus>{pairs}</All>")
    definition = refinery.init(tmp_path)
    assert yaml.safe_load(definition.read_text())["sources"] == {
        "chat": {"path": "chat", "text": "messages", "columns": {"input_lang": {"from": "lang"}}},
        "laws": {"path": "laws", "encoding": "gb18030"},
        "page-s": {"path": "page{{s}}", "text": "no", "transform": ["html", "normalize"]},
        "qa": {"path": "qa", "record": "/All/QA", "text": ["Q", "A"]},
    }
    refinery.check(definition)


def test_what_cannot_be_read_is_a_comment(files):
    """With the reason; the rest is a definition all the same."""
    (files / "broken").mkdir()
    (files / "broken" / "a.parquet").write_bytes(b"PAR1 no")
    text = refinery.init(files).read_text()
    assert "  # broken: {path:" in text
    assert "broken" not in yaml.safe_load(text)["sources"]


def test_nothing_is_overwritten(files):
    """A definition that is there stays."""
    (files / "pipeline.yaml").write_text("mine")
    with pytest.raises(refinery.InputError, match="is there already"):
        refinery.init(files)
    assert (files / "pipeline.yaml").read_text() == "mine"


def test_an_empty_folder(tmp_path):
    """Said."""
    with pytest.raises(refinery.InputError, match="holds nothing that can be read"):
        refinery.init(tmp_path)


def test_what_is_no_folder_is_told(tmp_path):
    """A file, and what is not there."""
    (tmp_path / "a.txt").write_text("text")
    for name, problem in (("a.txt", "is a file"), ("nothere", "there is no such folder")):
        with pytest.raises(InputError, match=problem):
            init(tmp_path / name)
