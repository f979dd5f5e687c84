"""Whether a CSV is a submission that Kaggle takes."""

import logging
from pathlib import Path

import numpy as np

from pipeline.data.csv_files import read_bytes
from pipeline.data.tables import read_fractions, read_ids
from pipeline.data.tree import HEADER, tree_violations
from pipeline.errors import PipelineError

NUM_TEST = 79_975  # galaxies of the competition's test set

log = logging.getLogger(__name__)


def check_submission(path: Path, sample: Path | None) -> None:
    """Refuses what Kaggle would, and what would score badly for a slip.

    A broken tree is only warned of: one of the official benchmarks has one.

    Args:
        path: the submission.
        sample: the competition's own, which has the test galaxies; without it their
            number alone is known.

    Raises:
        PipelineError: something is wrong with it.
    """
    ids, fractions = read_fractions(path)
    check_form(path)
    bad = (fractions < 0) | (fractions > 1)
    if bad.any():
        first = ids[bad.any(axis=1)][0]
        raise PipelineError(
            f"{path} has values outside 0 to 1 for {bad.any(axis=1).sum()} galaxies, "
            f"the first being {first}. Kaggle takes fractions alone."
        )
    broken = tree_violations(fractions).any(axis=1)
    if broken.any():
        log.warning(
            "%s breaks the decision tree at %d galaxies, the first being %d; Kaggle "
            "takes it all the same",
            path.name,
            broken.sum(),
            ids[broken][0],
        )
    if sample:
        strangers = np.setxor1d(ids, read_ids(sample))
        if len(strangers):
            raise PipelineError(
                f"{path} and {sample.name} differ in {len(strangers)} galaxies, the "
                f"first being {strangers[0]}. Is it a submission to this competition?"
            )
    elif len(ids) != NUM_TEST:
        raise PipelineError(
            f"{path} has {len(ids)} rows; Kaggle wants {NUM_TEST}, one for each test "
            "galaxy."
        )


def check_form(path: Path) -> None:
    """Refuses what we can read, and Kaggle perhaps not."""
    header, *rows = read_bytes(path).replace(b'"', b"").splitlines()
    if header.decode(errors="replace") != ",".join(HEADER):
        raise PipelineError(
            f"{path} begins with other signs than Kaggle's header, "
            f'"{",".join(HEADER[:3])},...". Save it in UTF-8 without a byte order '
            "mark, the names in the same capitals and without blanks."
        )
    ids = (row.partition(b",")[0] for row in rows if row)
    if odd := next((text for text in ids if not text.isdigit()), None):
        raise PipelineError(
            f'{path} has the id "{odd.decode(errors="replace")}". Kaggle takes digits '
            "alone."
        )
