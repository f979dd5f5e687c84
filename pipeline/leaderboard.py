"""The ledger as a table: what each submission promised and what Kaggle gave."""

from pathlib import Path

from pipeline import workdir
from pipeline.config import Config
from pipeline.ledger import read_ledger
from pipeline.standings import place_2014
from pipeline.workdir import WorkDir

HEADER = (
    *("file", "preset", "validation", "expected", "public", "private"),
    *("private - validation", "in 2014"),
)


def leaderboard(config: Config, work: WorkDir) -> str:
    """Every submission written, the best private score first, then the unscored.

    Reads   submissions/ledger.csv
    """
    folder = workdir.submissions_folder(config.export.folder)
    rows = read_ledger(folder)
    if not rows:
        return f'{workdir.ledger_file(folder)} is empty. "./run.sh all" adds a line.'
    rows.sort(key=lambda row: number(row["private_score"]) or float("inf"))
    cells = [HEADER, *map(describe, rows)]
    last = len(HEADER) - 1
    widths = [max(len(row[column]) for row in cells) for column in range(last)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[last]]) for row in cells]
    return "\n".join([*(line.rstrip() for line in lines), *notes(folder, rows)])


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


def notes(folder: Path, rows: list[dict[str, str]]) -> list[str]:
    """How to learn the verdicts that are still open."""
    return [
        f'{row["file"]} has no verdict yet: "./run.sh upload {folder / row["file"]}" '
        "asks for it"
        for row in rows
        if row["status"] in ("PENDING", "UPLOADING")
    ]


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
