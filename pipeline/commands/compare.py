"""Finished runs side by side, with paired differences and their errors."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np

from pipeline.data.metrics import paired_difference, score_fractions
from pipeline.errors import PipelineError
from pipeline.inference.blending import average_held_out, load_others
from pipeline.output import duration
from pipeline.runs.contents import HeldOut, load_held_out, load_ids
from pipeline.runs.graph import Member, Run
from pipeline.runs.receipts import require
from pipeline.runs.resolve import named_run
from pipeline.tables import markdown, table

EXAMPLE = "./run.sh compare work/first work/second:1f3a9c2e --markdown"
HEADER = (
    *("run", "preset", "RMSE", "less the first's", "expected on test"),
    *("networks", "parameters", "images seen", "training time"),
)
LEAST_SHARED = 2  # galaxies, for a standard error


@dataclass(frozen=True)
class Compared:
    """One run among others.

    Attributes:
        run: as it was named, with its digest.
        rmse: on the galaxies that all runs held out.
        difference: of this RMSE and the first run's, on the same galaxies.
        expected_rmse: on the test set, by all that it held out; None if not known.
        num_images_seen: training images shown to all its networks together.
        training_seconds: of all its networks together.
    """

    run: str
    preset: str
    num_shared: int
    rmse: float
    standard_error: float
    difference: float
    difference_standard_error: float
    expected_rmse: float | None
    num_networks: int
    num_parameters: int
    num_images_seen: int
    training_seconds: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a work directory, or DIR:digest"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown")


def gather(resolved: None, options: argparse.Namespace) -> dict[str, Any]:
    return {"markdown": options.markdown, "runs": compare(options.runs)}


def compare(names: Sequence[str]) -> list[dict[str, Any]]:
    """Compares finished runs; differences are paired, galaxy by galaxy.

    Reads   held_out/<digest>/, predictions/<digest>/ and models/ of each run

    Args:
        names: work directories, or `DIR:digest`; the first is what others are held to.

    Raises:
        PipelineError: there is no such run, it is not finished, or the runs share too
            few held-out galaxies.
    """
    return [asdict(row) for row in compared([named_run(name) for name in names])]


def describe(facts: dict[str, Any]) -> str:
    rows = facts["runs"]
    draw = markdown if facts["markdown"] else table
    text = draw(HEADER, map(cells, rows), HEADER[2:])
    shared = f"RMSE on the {rows[0]['num_shared']} galaxies that all of them held out."
    return text if facts["markdown"] else f"{text}\n{shared}"


def compared(found: Sequence[Run]) -> list[Compared]:
    parts = shared([held_out_of(run) for run in found])
    return [
        examine(run, part, baseline=parts[0])
        for run, part in zip(found, parts, strict=True)
    ]


def held_out_of(run: Run) -> HeldOut:
    """What a run says of the galaxies that it held out; the average, if it is one."""
    own = load_held_out(run.held_out)
    others = load_others(run, load_ids(run.shards("test"))) if run.blended else []
    averaged = average_held_out(own, others)
    if averaged is None:
        raise PipelineError(f"{name_of(run)} has no validation RMSE to compare.")
    return averaged


def shared(parts: Sequence[HeldOut]) -> list[HeldOut]:
    """The same galaxies of each, in the same order.

    Raises:
        PipelineError: they are too few, or the volunteers' fractions differ.
    """
    ids = reduce(np.intersect1d, [part.ids for part in parts])
    if len(ids) < LEAST_SHARED:
        raise PipelineError(
            f"These runs share {len(ids)} held-out galaxies, too few to compare them. "
            "Compare runs on the same galaxies and train.validation_fraction."
        )
    chosen = []
    for part in parts:
        rows = np.intersect1d(part.ids, ids, return_indices=True)[1]
        chosen.append(HeldOut(ids, part.fractions[rows], part.targets[rows]))
    if any(not np.array_equal(part.targets, chosen[0].targets) for part in chosen):
        raise PipelineError(
            "These runs learned from other labels of the same galaxies, so their RMSEs "
            "say nothing of each other."
        )
    return chosen


def examine(run: Run, part: HeldOut, baseline: HeldOut) -> Compared:
    score = score_fractions(part.fractions, part.targets)
    gap = paired_difference(part.fractions, baseline.fractions, part.targets)
    members = [require(member) for member in run.members]
    predictions = run.predictions.result if run.predictions.is_done else {}
    return Compared(
        run=name_of(run),
        preset=run.settings.preset,
        num_shared=len(part.ids),
        rmse=score.rmse,
        standard_error=score.standard_error,
        difference=gap.rmse,
        difference_standard_error=gap.standard_error,
        expected_rmse=predictions.get("expected_rmse"),
        num_networks=len(members),
        num_parameters=sum(member.result["parameters"] for member in members),
        num_images_seen=sum(
            num_epochs(member) * member.result["num_train"] for member in members
        ),
        training_seconds=sum(member.receipt["made"]["seconds"] for member in members),
    )


def num_epochs(member: Member) -> int:
    """How many it had; those of earlier versions had what was asked for."""
    return member.result.get("epochs", member.config.epochs)


def name_of(run: Run) -> str:
    return f"{run.work.root}:{run.digest}"


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    expected = row["expected_rmse"]
    return (
        row["run"],
        row["preset"],
        "{rmse:.4f} ± {standard_error:.4f}".format(**row),
        "{difference:+.4f} ± {difference_standard_error:.4f}".format(**row),
        "" if expected is None else f"{expected:.4f}",
        str(row["num_networks"]),
        f"{row['num_parameters']:,}",
        f"{row['num_images_seen']:,}",
        duration(row["training_seconds"]),
    )
