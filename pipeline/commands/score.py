"""A submission against solutions: what Kaggle would say."""

import argparse
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.metrics import rmse_per_question, score_fractions
from pipeline.data.splits import match_ids, read_targets
from pipeline.data.tables import read_fractions
from pipeline.data.tree import QUESTIONS, tree_violations
from pipeline.output import counted
from pipeline.runs.contents import submission_csv, trouble_with_csv
from pipeline.runs.resolve import Resolved

EXAMPLE = "./run.sh score --solutions test_solutions.csv --work work/demo"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What there is to say of a submission.

    Attributes:
        standard_error: of the RMSE; of a single galaxy's it is not known.
        baseline_rmse: of predicting every galaxy as `means`.
        benchmark: where these means come from.
    """

    submission: str
    num_galaxies: int
    rmse: float
    standard_error: float | None
    benchmark: str
    baseline_rmse: float
    rmse_per_question: dict[int, float]

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="default: the work directory's"
    )
    parser.add_argument("--solutions", required=True, metavar="FILE.csv")


def gather(resolved: Resolved | None, options: argparse.Namespace) -> dict[str, Any]:
    run = resolved.run if resolved else None
    if options.file:
        submission = Path(options.file)
    else:
        submission = submission_csv(run)
        if trouble := trouble_with_csv(run):
            log.warning("%s %s", submission, trouble)
    training = run.raw.find("solutions") if run else None
    return score(Path(options.solutions), submission, training).as_facts()


def score(solutions: Path, submission: Path, training: Path | None = None) -> Verdict:
    """Scores a submission on the galaxies that have solutions.

    Args:
        solutions: the volunteers' fractions.
        submission: fractions of at least these galaxies.
        training: the solutions whose column means are the benchmark; without them
            the solutions' own.

    Raises:
        PipelineError: a file is not what it should be, or lacks a galaxy.
    """
    ids, targets = read_targets(solutions)
    known, fractions = read_fractions(submission)
    warn_of_oddities(solutions, ids, targets)
    warn_of_oddities(submission, known, fractions)
    fractions = fractions[match_ids(ids, known, submission)]
    if np.array_equal(fractions, targets):
        log.warning("%s has the very numbers of %s", submission, solutions)
    if training:
        benchmark, means = "training column means", read_fractions(training)[1].mean(0)
    else:
        benchmark, means = "solutions' own column means", targets.mean(0)
    rmse, standard_error = score_fractions(fractions, targets)
    return Verdict(
        submission=str(submission),
        num_galaxies=len(ids),
        rmse=rmse,
        standard_error=standard_error if len(ids) > 1 else None,
        benchmark=benchmark,
        baseline_rmse=score_fractions(np.tile(means, (len(ids), 1)), targets).rmse,
        rmse_per_question=rmse_per_question(fractions, targets),
    )


def warn_of_oddities(path: Path, ids: np.ndarray, fractions: np.ndarray) -> None:
    """Says where a submission (N, 37) is not what a volunteer's answers could be."""
    outside = ((fractions < 0) | (fractions > 1)).any(axis=1)
    if outside.any():
        log.warning(
            "%s has values outside 0 to 1 at %s, the first being %d",
            path,
            counted(int(outside.sum()), "galaxy"),
            ids[outside][0],
        )
    broken = tree_violations(fractions).any(axis=1)
    if broken.any():
        log.warning(
            "%s breaks the decision tree at %d of %d galaxies, the first being %d",
            path,
            broken.sum(),
            len(broken),
            ids[broken][0],
        )


def describe(facts: dict[str, Any]) -> str:
    """A verdict as a few lines of text."""
    ratio = facts["rmse"] / facts["baseline_rmse"] if facts["baseline_rmse"] else 0
    known = facts["standard_error"] is not None
    error = f" ± {facts['standard_error']:.5f}" if known else ""
    galaxies = counted(facts["num_galaxies"], "galaxy")
    lines = [
        f"{facts['submission']}",
        f"RMSE {facts['rmse']:.5f}{error} on {galaxies}",
        "{baseline_rmse:.5f} is what the {benchmark} score; ".format(**facts)
        + f"the ratio is {ratio:.3f}",
        *(
            f"  question {question.number:2d}  "
            f"{facts['rmse_per_question'][question.number]:.5f}  {question.text}"
            for question in QUESTIONS
        ),
    ]
    return "\n".join(lines)
