"""The table of a catalogue: CSV, or Parquet where pyarrow is installed."""

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.catalogues.answers import Answers
from pipeline.data.tree import COLUMNS
from pipeline.errors import Misuse, PipelineError, typed
from pipeline.files import atomic
from pipeline.reporting.words import most_likely_classes

ENDINGS = (".csv", ".parquet")


def check_out(out: Path) -> None:
    """Refuses a table of another kind, or one that cannot be written here.

    Raises:
        Misuse: its ending is none of ours.
        PipelineError: it needs a package that is not there.
    """
    if out.suffix not in ENDINGS:
        raise Misuse(f"--out ends in {' or '.join(ENDINGS)}. Got {out}.")
    if out.suffix == ".parquet" and not importlib.util.find_spec("pyarrow"):
        install = typed(sys.executable, "-m", "pip", "install", "pyarrow")
        raise PipelineError(
            f'{out} needs the package pyarrow. Run "{install}", or name a .csv.'
        )


def as_frame(ids: Iterable[str], answers: Answers, unlike: np.ndarray) -> pd.DataFrame:
    """The rows of some pictures: id, fractions, their spread, and what to note."""
    good = answers.readable
    classes = np.full(len(good), "", dtype=object)
    if good.any():
        classes[good] = most_likely_classes(answers.fractions[good])
    return pd.DataFrame(
        {"id": list(ids)}
        | dict(zip(COLUMNS, answers.fractions.T, strict=True))
        | {
            f"{name}_spread": column
            for name, column in zip(COLUMNS, answers.spread.T, strict=True)
        }
        | {
            "class": classes,
            "readable": good.astype(int),
            "unlike": unlike.astype(str),
            "trouble": answers.trouble.astype(str),
        }
    )


def write_table(out: Path, frames: Iterable[pd.DataFrame]) -> None:
    """Writes a table chunk by chunk; it is whole, or not there."""
    with atomic(out) as partial:
        if out.suffix == ".parquet":
            write_parquet(partial, frames)
        else:
            write_csv(partial, frames)


def write_csv(file: Path, frames: Iterable[pd.DataFrame]) -> None:
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        for number, frame in enumerate(frames):
            frame.to_csv(
                out,
                index=False,
                header=number == 0,
                float_format="%.6f",
                lineterminator="\n",
            )


def write_parquet(file: Path, frames: Iterable[pd.DataFrame]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    try:
        for frame in frames:
            rows = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(file, rows.schema)
            writer.write_table(rows)
    finally:
        if writer:
            writer.close()
