"""How the score falls with the number of training galaxies; made by hand, in an hour.

`python -m tests.learning_curve SOURCE OUT --solutions CSV` trains on an eighth, a
quarter, a half and all of the training galaxies: with as many epochs each, and with as
many steps. What is finished is kept in OUT, so that the same command resumes. A table
and the range that the curve suggests for more galaxies come last; numbers are in
OUT/curve.json.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.commands.score import score
from pipeline.data.tables import read_fractions
from pipeline.output import say, start_logging
from pipeline.runs.preflight import NUM_TRAIN
from pipeline.sources.folder import find_files
from pipeline.tables import table
from tests.slices import by_hand, submission_of, write_slice

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
# How fast an error falls with the number of examples, as a power; found over many
# tasks (Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically")
POWERS = (0.1, 0.35, 0.5)


class Point(NamedTuple):
    """One training of the curve.

    Attributes:
        equal: what it shares with the others of its curve: "epochs" or "steps".
        galaxies: to learn from, those held out included.
        rmse: of the galaxies with `--solutions`, and its standard error.
    """

    equal: str
    share: float
    seed: int
    galaxies: int
    epochs: int
    rmse: float
    standard_error: float


class Range(NamedTuple):
    """What a curve suggests: the lowest and the highest RMSE over `POWERS`."""

    low: float
    high: float


def main() -> None:
    options = parser().parse_args()
    start_logging()
    points = [*measure(options)]
    say(as_table(points))
    ranges = {
        equal: extrapolate([point for point in points if point.equal == equal])
        for equal in ("epochs", "steps")
    }
    for equal, found in ranges.items():
        say(f"{NUM_TRAIN} galaxies, equal {equal}: {found.low:.4f} to {found.high:.4f}")
    (options.out / "curve.json").write_text(
        json.dumps(
            {
                "points": [point._asdict() for point in points],
                "suggested": {name: own._asdict() for name, own in ranges.items()},
            },
            indent=2,
        )
        + "\n"
    )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.learning_curve", description=__doc__
    )
    made.add_argument("source", type=Path, help="a folder in Kaggle's layout")
    made.add_argument("out", type=Path, help="a folder for all that is made")
    made.add_argument("--solutions", type=Path, required=True, help="of test galaxies")
    made.add_argument("--preset", default="cpu")
    made.add_argument("--epochs", type=int, default=14, help="over all galaxies")
    made.add_argument("--seeds", type=int, default=2)
    return made


def measure(options: argparse.Namespace) -> Iterator[Point]:
    """The points of both curves; over all galaxies they are the same."""
    for share in SHARES:
        source = options.out / f"source-{share:g}"
        galaxies = write_share(options.source, source, share)
        for seed in range(options.seeds):
            for equal in ("epochs", "steps"):
                epochs = options.epochs if equal == "epochs" else options.epochs / share
                rmse, error = train_and_score(options, source, round(epochs), seed)
                yield Point(equal, share, seed, galaxies, round(epochs), rmse, error)


def write_share(source: Path, out: Path, share: float) -> int:
    """Writes a competition with fewer training galaxies; returns how many it has.

    The galaxies of a smaller share are among those of a larger one.
    """
    ids, _ = read_fractions(find_files(source)["solutions"])
    chosen = np.random.default_rng(0).permutation(ids)[: round(share * len(ids))]
    write_slice(source, out, np.sort(chosen))
    return len(chosen)


def train_and_score(
    options: argparse.Namespace, source: Path, epochs: int, seed: int
) -> tuple[float, float]:
    """RMSE and its standard error; a finished training is not repeated."""
    submission = submission_of(
        source,
        options.out / "work" / source.name,
        options.out / "submissions",
        options.preset,
        (f"train.epochs={epochs}", f"train.seed={seed}"),
    )
    verdict = score(options.solutions, submission)
    return verdict.rmse, verdict.standard_error


def extrapolate(points: Sequence[Point], galaxies: int = NUM_TRAIN) -> Range:
    """The RMSE that `a + b * galaxies ** -power` suggests, over several powers.

    Args:
        points: of at least two numbers of galaxies.
        galaxies: how many there would be.
    """
    sizes = np.array([point.galaxies for point in points], float)
    rmses = np.array([point.rmse for point in points])
    found = []
    for power in POWERS:
        slope, floor = np.polyfit(sizes**-power, rmses, 1)
        found.append(float(floor + slope * galaxies**-power))
    return Range(min(found), max(found))


def as_table(points: Sequence[Point]) -> str:
    header = ("equal", "galaxies", "epochs", "seed", "RMSE")
    rows = [
        (
            *(point.equal, str(point.galaxies), str(point.epochs), str(point.seed)),
            f"{point.rmse:.4f} ± {point.standard_error:.4f}",
        )
        for point in points
    ]
    return table(header, rows, header[1:])


if __name__ == "__main__":
    by_hand(main)
