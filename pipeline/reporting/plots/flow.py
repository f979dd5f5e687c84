"""The decision tree with the volunteers flowing through it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.data.tree import COLUMNS, QUESTIONS, Question, answer_slice
from pipeline.reporting.plots import PREDICTED, VOLUNTEERS, new_figure, styled

INDENT = 0.07  # of the width, for each step down the tree
THICKEST = 0.055  # of the width: the band of all volunteers
BARS = 0.57  # where the bars begin
ROW = 0.19  # inches


class Canvas:
    """Rows added from the top down.

    Attributes:
        y: the row reached.
    """

    def __init__(self, axes: Axes) -> None:
        self.axes, self.y = axes, 0.0

    def band(self, x: float, y: float, width: float, height: float) -> None:
        self.axes.add_patch(Rectangle((x, y), width, height, color="#9bb7cf", lw=0))

    def text(self, x: float, text: str, **style: object) -> None:
        self.axes.text(x, self.y, text, va="center", **style)


@styled
def tree_flow(predicted: np.ndarray, volunteers: np.ndarray) -> Figure:
    """Mean fractions (37,): bands as thick as the volunteers', bars of both.

    Each question hangs under the answer that leads to it.
    """
    num_rows = len(COLUMNS) + 1.3 * len(QUESTIONS)
    figure = new_figure(num_rows * ROW + 0.5)
    figure.set_layout_engine("none")  # the rows lay themselves out
    axes = figure.add_axes((0.01, 0.005, 0.98, 0.955))
    canvas = Canvas(axes)
    for question in QUESTIONS:
        if question.parent is None:
            draw_question(canvas, question, 0.0, 1.0, predicted, volunteers)
    axes.set_xlim(0, 1)
    axes.set_ylim(canvas.y - 0.5, -0.8)
    axes.axis("off")
    handles = [
        Rectangle((0, 0), 1, 1, color=colour) for colour in (PREDICTED, VOLUNTEERS)
    ]
    figure.legend(handles, ["predicted", "volunteers"], loc="upper right", ncols=2)
    return figure


def draw_question(
    canvas: Canvas,
    question: Question,
    x: float,
    reached: float,
    predicted: np.ndarray,
    volunteers: np.ndarray,
) -> None:
    """The question, its answers, and under each answer what it leads to."""
    canvas.text(x, f"{question.number}  {question.text}", weight="bold")
    canvas.y += 1.1
    columns = answer_slice(question)
    left = reached  # what has not branched off yet
    top = canvas.y - 0.6
    for column in range(columns.start, columns.stop):
        share = float(volunteers[column])
        height = max(share, 0.1) * 0.85
        canvas.band(x, top, THICKEST * max(left, 0.08), canvas.y - top + height / 2)
        canvas.band(x, canvas.y - height / 2, INDENT * 0.85, height)
        canvas.text(x + INDENT, question.answers[column - columns.start])
        draw_pair(canvas, float(predicted[column]), share)
        top = canvas.y
        left -= share
        canvas.y += 1
        for child in QUESTIONS:
            if child.parent == COLUMNS[column]:
                draw_question(canvas, child, x + INDENT, share, predicted, volunteers)
    canvas.y += 0.2


def draw_pair(canvas: Canvas, predicted: float, volunteers: float) -> None:
    room = 0.98 - BARS - 0.2
    for value, colour, lift in (
        (predicted, PREDICTED, -0.36),
        (volunteers, VOLUNTEERS, 0.02),
    ):
        canvas.axes.add_patch(
            Rectangle((BARS, canvas.y + lift), room * value, 0.34, color=colour, lw=0)
        )
    longest = BARS + room * max(predicted, volunteers)
    canvas.axes.text(
        longest + 0.012,
        canvas.y,
        f"{100 * predicted:.1f} / {100 * volunteers:.1f} %",
        va="center",
        fontsize=8,
    )
