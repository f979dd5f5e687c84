"""The ledger as a table: what each submission promised and what Kaggle gave."""

from pipeline.commands.table import table
from pipeline.kaggle.ledger import read_ledger
from pipeline.kaggle.standings import place_2014
from pipeline.runs.graph import Run

HEADER = (
    *("file", "preset", "validation", "expected", "public", "private"),
    *("private - validation", "in 2014"),
)


def leaderboard(run: Run) -> str:
    """Every submission written, the best private score first, then the unscored.

    Reads   submissions/ledger.csv
    """
    submissions = run.submissions
    rows = read_ledger(submissions.ledger)
    if not rows:
        command = f"./run.sh all --work {run.work.root}"
        return f'{submissions.ledger} is empty. "{command}" adds a line.'
    rows.sort(key=lambda row: number(row["private_score"]) or float("inf"))
    return "\n".join([table(HEADER, map(describe, rows)), *notes(run, rows)])


def describe(row: dict[str, str]) -> tuple[str, ...]:
    validation, private = map(number, (row["validation_rmse"], row["private_score"]))
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
        place_2014(private) if private is not None else standing(row),
    )


def standing(row: dict[str, str]) -> str:
    """Why there is no score."""
    if row["source"] == "demo":
        return "demo, not for Kaggle"
    return row["status"] or "not uploaded"


def notes(run: Run, rows: list[dict[str, str]]) -> list[str]:
    """How to learn the verdicts that are still open."""
    return [
        f"{row['file']} has no verdict yet: "
        f'"./run.sh upload {run.submissions.root / row["file"]} --work '
        f'{run.work.root}" asks for it'
        for row in rows
        if row["status"] in ("PENDING", "UPLOADING")
    ]


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
