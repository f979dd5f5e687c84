"""Models beside each other: a row of numbers for each, and a table of the rows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.metrics import rmse_per_question, score_fractions, score_ratio
from pipeline.tree import QUESTIONS

TEXT_COLUMNS = 1  # the others hold numbers, which end in line
HEADER = (
    *("model", "weights", "multiply-adds", "training", "epochs", "images/s"),
    *("copies", "RMSE", "ratio"),
    *(f"Q{question.number}" for question in QUESTIONS),
)


@dataclass(frozen=True)
class Effort:
    """What a model took.

    Attributes:
        parameters: weights of all its networks.
        multiply_adds: of one image through all of them, once.
        seconds: of training, validation after each epoch included.
        epochs: of each of its networks.
        images_per_second: training images, in those seconds.
        copies: of each galaxy that are predicted and averaged.
    """

    parameters: int
    multiply_adds: int
    seconds: float
    epochs: tuple[int, ...]
    images_per_second: float
    copies: int


@dataclass(frozen=True)
class Row:
    """A model's score and what it took.

    Attributes:
        rmse_per_question: by the question's number.
        ratio: its RMSE over that of the model compared with.
        effort: None for what was not trained.
    """

    model: str
    num_galaxies: int
    rmse: float
    standard_error: float
    rmse_per_question: dict[int, float]
    ratio: float
    ratio_standard_error: float
    effort: Effort | None


def make_row(
    model: str,
    fractions: np.ndarray,
    reference: np.ndarray,
    targets: np.ndarray,
    effort: Effort | None = None,
) -> Row:
    """Scores a model.

    Args:
        model: its name.
        fractions: (N, 37) predicted by it.
        reference: (N, 37) predicted by the model it is compared with.
        targets: (N, 37) volunteers'.
        effort: what it took.
    """
    return Row(
        model,
        len(targets),
        *score_fractions(fractions, targets),
        rmse_per_question(fractions, targets),
        *score_ratio(fractions, reference, targets),
        effort,
    )


def as_data(rows: list[Row]) -> list[dict[str, Any]]:
    """The rows as JSON can hold them."""
    return [asdict(row) for row in rows]


def describe(rows: list[Row]) -> str:
    """The rows as a table in Markdown, its columns in line."""
    cells = [HEADER, *map(cells_of, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [markdown_line(row, widths) for row in cells]
    rule = [
        "-" * width if column < TEXT_COLUMNS else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return "\n".join([lines[0], markdown_line(rule, widths), *lines[1:]])


def markdown_line(cells: tuple[str, ...] | list[str], widths: list[int]) -> str:
    aligned = [
        cell.ljust(width) if column < TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"


def cells_of(row: Row) -> tuple[str, ...]:
    return (
        row.model,
        *effort_cells(row.effort),
        f"{row.rmse:.4f} ± {row.standard_error:.4f}",
        f"{row.ratio:.3f} ± {row.ratio_standard_error:.3f}",
        *(f"{row.rmse_per_question[question.number]:.4f}" for question in QUESTIONS),
    )


def effort_cells(effort: Effort | None) -> tuple[str, ...]:
    if effort is None:
        return ("",) * 6
    return (
        f"{effort.parameters / 1e6:.2f} M",
        f"{effort.multiply_adds / 1e6:,.1f} M",
        f"{effort.seconds:,.0f} s",
        ", ".join(map(str, dict.fromkeys(effort.epochs))),
        f"{effort.images_per_second:,.0f}",
        str(effort.copies),
    )
