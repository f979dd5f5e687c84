"""Settings tried against a preset, on galaxies kept out of it; made by hand, in hours.

`python -m tests.experiments SOURCE OUT --try "train.batch_size=64"` trains the preset
as it is and with each `--try`, which is settings with blanks between them. That is done
for each range of ids that were not chosen for their votes: these galaxies are the test
set, all others are learned from. What is finished is kept in OUT, so that the same
command resumes. Differences are paired, galaxy by galaxy; numbers are in
OUT/experiments.json.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.data.metrics import paired_difference, score_fractions
from pipeline.data.splits import match_ids
from pipeline.data.tables import read_fractions
from pipeline.output import say, start_logging
from pipeline.sources.folder import find_files
from pipeline.tables import table
from tests.slices import by_hand, submission_of, write_slice

# first and last id; the galaxies between the first two were chosen for clear votes
RANGES = ((0, 110_076), (945_981, 959_999), (960_000, 999_999))
AS_IT_IS = ""


class Trial(NamedTuple):
    """One run, on one range of ids.

    Attributes:
        tried: the settings that differ from the preset's.
        part: which range, counted from 1.
        rmse: of the galaxies of the range.
        difference: of this RMSE and the one without these settings, and its error.
    """

    tried: str
    part: int
    seed: int
    galaxies: int
    rmse: float
    standard_error: float
    difference: float
    difference_error: float


class Result(NamedTuple):
    """What a run says of the galaxies of a range: (N, 37), and the truth."""

    fractions: np.ndarray
    targets: np.ndarray


def main() -> None:
    options = parser().parse_args()
    start_logging()
    trials = [*measure(options)]
    say(as_table(trials))
    facts = [trial._asdict() for trial in trials]
    (options.out / "experiments.json").write_text(json.dumps(facts, indent=2) + "\n")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.experiments", description=__doc__
    )
    made.add_argument("source", type=Path, help="a folder in Kaggle's layout")
    made.add_argument("out", type=Path, help="a folder for all that is made")
    made.add_argument("--preset", default="cpu")
    made.add_argument("--base", default="", help="settings that all of them have")
    made.add_argument("--try", action="append", default=[], dest="tried")
    made.add_argument("--seeds", type=int, nargs="+", default=[0])
    made.add_argument(
        "--ranges", type=int, nargs="+", default=[1, 2, 3], choices=[1, 2, 3]
    )
    return made


def measure(options: argparse.Namespace) -> Iterator[Trial]:
    """The runs one by one, those of the preset as it is before the others."""
    plain: dict[tuple[int, int], Result] = {}
    for tried in (AS_IT_IS, *options.tried):
        for part in options.ranges:
            for seed in options.seeds:
                result = run(options, tried, part, seed)
                baseline = plain.setdefault((part, seed), result)
                yield compare(result, baseline, tried, part, seed)


def compare(
    result: Result, baseline: Result, tried: str, part: int, seed: int
) -> Trial:
    scored = score_fractions(*result)
    gap = paired_difference(result.fractions, *baseline)
    return Trial(tried, part, seed, len(result.targets), *scored, *gap)


def run(options: argparse.Namespace, tried: str, part: int, seed: int) -> Result:
    """Trains and predicts, unless that is done."""
    source = options.out / f"source-{part}"
    write_range(options.source, source, part)
    submission = submission_of(
        source,
        options.out / "work" / source.name,
        options.out / "submissions",
        options.preset,
        (*options.base.split(), *tried.split(), f"train.seed={seed}"),
    )
    ids, fractions = read_fractions(submission)
    known, targets = read_fractions(find_files(options.source)["solutions"])
    return Result(fractions, targets[match_ids(ids, known, options.source)])


def write_range(source: Path, out: Path, part: int) -> None:
    """Writes a competition whose test set is the labelled galaxies of a range."""
    ids, _ = read_fractions(find_files(source)["solutions"])
    first, last = RANGES[part - 1]
    inside = (first <= ids) & (ids <= last)
    write_slice(source, out, np.sort(ids[~inside]), np.sort(ids[inside]))


def as_table(trials: list[Trial]) -> str:
    header = ("tried", "range", "seed", "galaxies", "RMSE", "less without")
    rows = [
        (
            trial.tried or "as it is",
            *(str(trial.part), str(trial.seed), str(trial.galaxies)),
            f"{trial.rmse:.4f} ± {trial.standard_error:.4f}",
            f"{trial.difference:+.4f} ± {trial.difference_error:.4f}",
        )
        for trial in trials
    ]
    return table(header, rows, header[1:])


if __name__ == "__main__":
    by_hand(main)
