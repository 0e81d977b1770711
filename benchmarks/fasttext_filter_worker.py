"""Runs datatrove's fastText filter over files, in datatrove's own environment; started by recall_pool.py.

    python fasttext_filter_worker.py MODEL.bin LABEL OUT WORKERS FILE...

Reads Parquet and writes the kept documents as Parquet, a task a file. Answers one line of JSON: seconds of the
whole, with neither the imports nor the copy of the model that the library makes for itself. It imports nothing of
refinery's, which that environment does not have.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    model, label, out, workers, *files = sys.argv[1:]
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import FastTextClassifierFilter
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from loguru import logger

    logger.remove()
    folder = Path(files[0]).parent
    listed = Path(f"{out}.txt")
    listed.write_text("".join(f"{Path(file).name}\n" for file in files), "utf-8")
    assert FastTextClassifierFilter(model, (label, 0.5)).model  # copied to its cache

    steps = [
        ParquetReader(str(folder), paths_file=str(listed)),
        FastTextClassifierFilter(model, (label, 0.5), newline_replacement=" "),
        ParquetWriter(out, expand_metadata=True),
    ]
    executor = LocalPipelineExecutor(steps, tasks=len(files), workers=int(workers), logging_dir=f"{out}-logs")
    started = time.perf_counter()
    executor.run()
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
