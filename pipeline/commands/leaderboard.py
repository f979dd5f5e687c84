"""Every submission: expected, public and private RMSE, and its place in 2014."""

import argparse
from pathlib import Path
from typing import Any

from pipeline.errors import remedy
from pipeline.kaggle.ledger import read_ledger
from pipeline.kaggle.standings import place_2014, score_of
from pipeline.runs.graph import Run
from pipeline.runs.resolve import Resolved
from pipeline.tables import table

EXAMPLE = "./run.sh leaderboard --work work/kaggle"
HEADER = (
    *("file", "preset", "validation", "expected", "public", "private"),
    *("private - validation", "in 2014"),
)


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    return leaderboard(resolved.run)


def leaderboard(run: Run) -> dict[str, Any]:
    """Every submission written, the best private score first, then the unscored.

    Reads   submissions/ledger.csv
    """
    rows = read_ledger(run.submissions.ledger)
    rows.sort(key=private_or_last)
    return {
        "ledger": str(run.submissions.ledger),
        "work": str(run.work.root),
        "submissions": [row | {"place_2014": place(row)} for row in rows],
    }


def private_or_last(row: dict[str, str]) -> float:
    score = score_of(row["private_score"])
    return float("inf") if score is None else score


def place(row: dict[str, str]) -> str:
    private = score_of(row["private_score"])
    return "" if private is None else place_2014(private)


def describe(facts: dict[str, Any]) -> str:
    rows = facts["submissions"]
    if not rows:
        return (
            f"{facts['ledger']} is empty. {remedy('all', facts['work'])} adds a line."
        )
    return "\n".join([table(HEADER, map(cells, rows)), *notes(facts)])


def cells(row: dict[str, str]) -> tuple[str, ...]:
    validation, private = map(score_of, (row["validation_rmse"], row["private_score"]))
    difference = ""
    if validation is not None and private is not None:
        difference = f"{private - validation:+.5f}"
    return (
        row["file"],
        row["preset"],
        row["validation_rmse"],
        row["expected_rmse"],
        row["public_score"],
        row["private_score"],
        difference,
        row["place_2014"] or standing(row),
    )


def standing(row: dict[str, str]) -> str:
    """Why there is no score."""
    if row["source"] == "demo":
        return "demo, not for Kaggle"
    return row["status"] or "not uploaded"


def notes(facts: dict[str, Any]) -> list[str]:
    """How to learn the verdicts that are still open."""
    folder, work = Path(facts["ledger"]).parent, facts["work"]
    return [
        f"{row['file']} has no verdict yet: "
        f"{remedy('upload', work, str(folder / row['file']))} asks for it"
        for row in facts["submissions"]
        if row["status"] in ("PENDING", "UPLOADING")
    ]
