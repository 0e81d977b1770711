"""Runs one job of a peer in the peer's own environment; started by peers.py, one process a job.

    python peer_worker.py DOCUMENTS.parquet JOB OPTIONS-JSON

The process loads its library, its models and the documents, says {"ready": ...}, and then, for each line
"run" that it reads, runs the job once over all documents and answers {"seconds": ...}: processor time, which every
job spends in one thread, so that a busy machine does not blur a comparison. The line "decide" makes
it answer with what it decided about each document (untimed). It imports nothing of refinery's, since a peer's
environment does not have it; refinery's own jobs are in refinery_jobs.py and speak the same protocol.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
from jobs import Job, Options


def fasttext_labels(texts: list[str], options: Options) -> Job:
    """`fasttext` predict on a list of texts, newlines replaced as it demands."""
    import fasttext

    fasttext.FastText.eprint = lambda *_: None
    model = fasttext.load_model(options["model"])
    lines = [text.replace("\n", " ") for text in texts]

    def decide() -> list[Any]:
        labels, scores = model.predict(lines)
        return [[label[0], float(score[0])] for label, score in zip(labels, scores, strict=True)]

    return Job(
        lambda _: model.predict(lines), decide=decide, note="newlines replaced before the clock starts"
    )


def datasketch_signatures(hashes: list[Any], options: Options) -> Job:
    """datasketch `MinHash.update_batch` on ready shingle hashes."""
    from datasketch import MinHash

    empty = MinHash(num_perm=options["num_perm"], seed=options["seed"], scheme="affine32", hashfunc=int)
    # datasketch applies `hashfunc` to each value in Python; hashes are handed over as they are, its fastest way.

    def run(_: object) -> list[Any]:
        signatures = []
        for shingles in hashes:
            sketch = empty.copy()
            sketch.update_batch(shingles)
            signatures.append(sketch.hashvalues)
        return signatures

    return Job(run, decide=lambda: [signature.tolist() for signature in run(None)])


def rensa_hashes(hashes: list[Any], options: Options) -> Job:
    """rensa on ready shingle hashes, all documents in one call: no Python in the loop."""
    from rensa import RMinHash

    def run(_: object) -> object:
        return RMinHash.digest_matrix_from_token_hash_sets(hashes, options["num_perm"], options["seed"])

    return Job(run, note="its fastest interface: hashes made before the clock starts")


def rensa_texts(texts: list[str], options: Options, kind: str) -> Job:
    """rensa from text: fold, split into words, join shingles in Python, then one sketch a document."""
    import re

    import rensa

    sketch_type = getattr(rensa, kind)
    words, punctuation = options["words"], re.compile(r"[^\w]+")

    def run(_: object) -> list[Any]:
        digests = []
        for text in texts:
            tokens = punctuation.sub(" ", text.lower()).split()
            shingles = [" ".join(tokens[i : i + words]) for i in range(len(tokens) - words + 1)]
            sketch = sketch_type(options["num_perm"], options["seed"])
            sketch.update(shingles)
            digests.append(sketch.digest())
        return digests

    return Job(run)


def datatrove(texts: list[str], options: Options, steps: list[str], drop: bool = True) -> Job:
    """A chain of datatrove steps as its executor runs them: documents flow through generators, one by one.

    With `drop` false every step sees every document, which is the work that measuring once does.
    """
    from datatrove.data import Document
    from loguru import logger

    logger.remove()

    def make() -> list[Any]:
        return [_datatrove_step(name, options) for name in steps]

    def documents() -> list[Any]:
        return [Document(text=text, id=str(number)) for number, text in enumerate(texts)]

    def run(prepared: Any) -> None:
        chain, stream = prepared
        for step in chain:
            following = step.run(stream)
            if following is None:  # the signature step yields nothing: it has consumed the stream
                return
            stream = following
        for _ in stream:
            pass

    def run_all(prepared: Any) -> None:
        chain, stream = prepared
        filters = [step for step in chain if hasattr(step, "filter")]
        for document in stream:
            text = document.text
            for step in filters:
                step.filter(document)
                document.text = text
        for step in chain:
            if step not in filters:
                step.run(stream)

    def decide() -> list[Any]:
        (step,) = make()
        results = [step.filter(document) for document in documents()]
        return [list(found) if isinstance(found, tuple) else [bool(found), ""] for found in results]

    return Job(run if drop else run_all, lambda: (make(), documents()), decide)


def _datatrove_step(name: str, options: Options) -> Any:
    from datatrove.pipeline import filters
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    language = options.get("language", "eng")
    if name == "language":
        step = filters.LanguageFilter(languages=[options.get("lid_label", "en")], language_threshold=0.65)
        # The model would be downloaded; the same local file that refinery uses is put in its place.
        step.model._model = _fasttext_model(options["model"])
        return step
    if name == "minhash":
        config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
        return MinhashDedupSignature(tempfile.mkdtemp(prefix="datatrove-"), config, language=language)
    if name == "decontamination":
        return _datatrove_decontamination(options["items"], language)
    kinds = {
        "gopher_repetition": lambda: filters.GopherRepetitionFilter(language=language),
        "gopher_quality": lambda: filters.GopherQualityFilter(language=language),
        "c4": lambda: filters.C4QualityFilter(language=language),
        "fineweb": lambda: filters.FineWebQualityFilter(language=language),
    }
    return kinds[name]()


def _datatrove_decontamination(items: str, language: str) -> Any:
    """The filter with an index of the items as labels; its indexer itself would need lighteval."""
    from pathlib import Path
    from types import SimpleNamespace

    import numpy as np
    from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
    from datatrove.utils.hashing import create_hash_func
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    config = NGramsDecontConfig()
    indexer = SimpleNamespace(
        config=config,
        tokenizer=load_word_tokenizer(language),
        hash_func=create_hash_func(config.hash_config),
    )
    folder = Path(tempfile.mkdtemp(prefix="datatrove-"))
    hashes = {
        one
        for label in json.loads(Path(items).read_text("utf-8"))
        for one in NGramsDecontIndexer.compute_hashes(indexer, label)
    }
    np.array(list(hashes), config.hash_config.np_descr).tofile(folder / "items.index.hashes")
    return NGramsDecontFilter(str(folder), config, language=language)


def _fasttext_model(path: str) -> Any:
    from fasttext.FastText import _FastText

    return _FastText(path)


DATATROVE_STEPS = ["language", "gopher_repetition", "gopher_quality", "c4", "fineweb", "minhash"]


def make_job(name: str, texts: list[Any], options: Options) -> Job:
    """The job called `name`."""
    library, _, rest = name.partition(":")
    if library == "datatrove":
        if rest in {"chain", "every"}:
            return datatrove(texts, options, DATATROVE_STEPS, drop=rest == "chain")
        return datatrove(texts, options, [rest])
    jobs: dict[str, Callable[[list[Any], Options], Job]] = {
        "fasttext:labels": fasttext_labels,
        "datasketch:hashes": datasketch_signatures,
        "rensa:hashes": rensa_hashes,
        "rensa:RMinHash": lambda texts, options: rensa_texts(texts, options, "RMinHash"),
        "rensa:CMinHash": lambda texts, options: rensa_texts(texts, options, "CMinHash"),
    }
    if library == "refinery":
        return importlib.import_module("refinery_jobs").make_job(rest, texts, options)  # type: ignore[no-any-return]
    return jobs[name](texts, options)


def serve(job: Job) -> None:
    """Answers the lines of standard input until it ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not mix with the answers
    job.run(job.prepare())  # loads, compiles, warms caches
    print(json.dumps({"ready": True, "note": job.note}), file=answers, flush=True)
    for line in sys.stdin:
        if line.strip() == "decide":
            print(json.dumps({"decisions": job.decide()}), file=answers, flush=True)
            continue
        prepared = job.prepare()
        started = time.process_time()
        job.run(prepared)
        print(json.dumps({"seconds": time.process_time() - started}), file=answers, flush=True)


if __name__ == "__main__":
    file, job_name, raw = sys.argv[1:]
    settings: Options = json.loads(raw)
    column = pq.read_table(file).column(settings.get("column", "text"))
    as_arrow = job_name.startswith("refinery:")
    serve(make_job(job_name, column.combine_chunks() if as_arrow else column.to_pylist(), settings))
