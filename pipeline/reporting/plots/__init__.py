"""Plots: arrays in, a matplotlib figure out; as narrow as a phone needs them."""

import contextlib
import functools
import io
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from pipeline.data.tree import NUM_ANSWERS, QUESTIONS, Question, answer_slice
from pipeline.reporting.words import answer_text
from pipeline.settings.drawing import start_matplotlib

start_matplotlib()

import matplotlib  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

WIDTH = 4.4  # inches; at this width 9 pt stay legible on a phone
DPI = 160
PREDICTED, VOLUNTEERS, BASELINE = "#1f6fb5", "#d9731a", "#8a8a8a"
WARNING = "#b3261e"
STYLE = {
    "font.family": "sans-serif",  # for a browser that lacks the first choice
    "font.sans-serif": "DejaVu Sans",  # comes with matplotlib, so it is everywhere
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "svg.fonttype": "none",  # letters as letters: a third of the size of outlines
    "svg.hashsalt": "galaxy",  # the same plot is the same bytes
}


@contextlib.contextmanager
def our_style() -> Iterator[None]:
    """Draws in this project's style, and leaves the global one alone."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Makes a function draw in this project's style."""

    @functools.wraps(draw)
    def drawn(*arguments: object) -> Figure:
        with our_style():
            return draw(*arguments)

    return drawn


def new_figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained")


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    with our_style():
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def svg(figure: Figure) -> bytes:
    file = io.BytesIO()
    with our_style():
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator")))
    return file.getvalue()


ANSWER_HEIGHT = 9.6  # inches that a plot with a row for each answer takes


def heading(question: Question, notes: Mapping[int, str]) -> str:
    """A question's number and text, and what there is to note of it."""
    return f"{question.number}  {question.text}{notes.get(question.number, '')}"


def answer_rows(
    axes: Axes, notes: Mapping[int, str] = MappingProxyType({})
) -> list[float]:
    """A row for each of the 37 answers, under headings with the questions.

    Args:
        axes: where they are to be.
        notes: what to add to questions, by their number.

    Returns:
        Where each answer's row lies on the y axis, which runs downwards.
    """
    places = [0.0] * NUM_ANSWERS
    y = 0.0
    for question in QUESTIONS:
        axes.annotate(
            heading(question, notes),
            (0, y),
            xycoords=("axes fraction", "data"),
            xytext=(-88, 0),  # over the names of the answers
            textcoords="offset points",
            va="center",
            weight="bold",
            annotation_clip=False,
        )
        columns = answer_slice(question)
        for column in range(columns.start, columns.stop):
            y += 1
            places[column] = y
        y += 1.25
    axes.set_ylim(y - 0.4, -0.7)
    axes.set_yticks(places, [answer_text(column) for column in range(NUM_ANSWERS)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    return places
