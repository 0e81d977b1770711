"""Two domains of short English or Chinese documents, made of real sentences, as Parquet files."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEDICAL = (
    "The patient was treated with a low dose of aspirin", "Doctors recommend exercise against heart disease",
    "A blood test can show whether the kidneys are damaged", "The symptoms of the infection include fever and cough",
    "High blood pressure raises the risk of a stroke", "The surgeon removed the tumor from the lung",
    "Children should be vaccinated against measles", "The drug may cause nausea and headache",
    "Insulin lowers the sugar in the blood", "The nurse measured the temperature of the patient",
)  # fmt: skip
OTHER = (
    "The company said that its net profit rose in the quarter", "Traders expect the price of wheat to fall",
    "The minister told reporters about the new law", "She walked along the river to the old mill",
    "The students have read the book for the lecture", "The committee met with the engineers of the bridge",
    "The team won the match in the last minute", "The film tells the story of two brothers",
    "The ship left the harbour early in the morning", "The bank raised its rates for savings",
)  # fmt: skip
LAW = (
    "公民在法律面前一律平等",
    "国家尊重和保障人权",
    "本条例自公布之日起施行",
    "人民法院依法独立行使审判权",
    "当事人可以申请行政复议",
)
SOFTWARE = (
    "服务器的内存不足导致程序崩溃",
    "我们用缓存来提高读取速度",
    "这个函数返回一个整数",
    "数据库的索引需要重建",
    "编译器会检查变量的类型",
)


def documents(sentences: tuple[str, ...], number: int, seed: int, joint: str = ". ") -> list[str]:
    """Documents of some sentences each, with numbers that make them different."""
    rng = random.Random(seed)
    return [
        joint.join(f"{rng.choice(sentences)} {rng.randrange(999)}" for _ in range(6)) for _ in range(number)
    ]


def write(path: Path, texts: list[str | None], column: str = "text") -> Path:
    pq.write_table(pa.table({column: pa.array(texts, pa.string())}), path)
    return path


def write_domains(folder: Path) -> tuple[Path, Path]:
    """150 medical and 250 other documents."""
    return (
        write(folder / "positive.parquet", documents(MEDICAL, 150, 1)),
        write(folder / "negative.parquet", documents(OTHER, 250, 2)),
    )
