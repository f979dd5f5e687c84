"""The decision tree of Galaxy Zoo 2 as data, and the arithmetic it implies.

Source of the tree: Willett et al. 2013, "Galaxy Zoo 2", table 2; the columns are the
competition's.
"""

from typing import NamedTuple

import numpy as np


class Question(NamedTuple):
    """One node of the tree: its answers' fractions sum to that of `parent`."""

    number: int
    text: str
    answers: tuple[str, ...]
    parent: str | None  # the column a volunteer passed through; None: everybody


QUESTIONS = (
    Question(
        1,
        "Smooth, or features?",
        ("smooth", "features or disk", "star or artifact"),
        None,
    ),
    Question(2, "Edge-on?", ("yes", "no"), "Class1.2"),
    Question(3, "A bar?", ("yes", "no"), "Class2.2"),
    Question(4, "Spiral arms?", ("yes", "no"), "Class2.2"),
    Question(
        5,
        "How prominent is the bulge?",
        ("none", "just noticeable", "obvious", "dominant"),
        "Class2.2",
    ),
    # The labels ask everybody, also those who saw a star or artifact.
    Question(6, "Anything odd?", ("yes", "no"), None),
    Question(7, "How round?", ("completely", "in between", "cigar-shaped"), "Class1.1"),
    Question(
        8,
        "What is odd?",
        (
            "ring",
            "lens or arc",
            "disturbed",
            "irregular",
            "other",
            "merger",
            "dust lane",
        ),
        "Class6.1",
    ),
    Question(9, "The edge-on bulge?", ("rounded", "boxy", "none"), "Class2.1"),
    Question(10, "How tightly wound?", ("tight", "medium", "loose"), "Class4.1"),
    Question(
        11,
        "How many arms?",
        ("1", "2", "3", "4", "more than 4", "can't tell"),
        "Class4.1",
    ),
)

COLUMNS = tuple(
    f"Class{question.number}.{answer + 1}"
    for question in QUESTIONS
    for answer in range(len(question.answers))
)
HEADER = ("GalaxyID", *COLUMNS)
NUM_ANSWERS = len(COLUMNS)


def answer_slice(question: Question) -> slice:
    """The columns of a question's answers."""
    start = COLUMNS.index(f"Class{question.number}.1")
    return slice(start, start + len(question.answers))


def parent_column(question: Question) -> int | None:
    """The column that a question's answers sum to; None where they sum to 1."""
    return None if question.parent is None else COLUMNS.index(question.parent)


def from_top() -> tuple[Question, ...]:
    """The questions, each after the one its parent belongs to."""
    ordered: list[Question] = []
    waiting = list(QUESTIONS)
    while waiting:
        question = waiting.pop(0)
        known = {f"Class{q.number}" for q in ordered}
        if question.parent is None or question.parent.split(".")[0] in known:
            ordered.append(question)
        else:
            waiting.append(question)
    return tuple(ordered)


def parent_fractions(fractions: np.ndarray, question: Question) -> np.ndarray:
    """What a question's answers must sum to in each row: (N,)."""
    column = parent_column(question)
    return np.ones(len(fractions)) if column is None else fractions[:, column]


def tree_violations(fractions: np.ndarray, tolerance: float = 1e-5) -> np.ndarray:
    """Which rows break which questions.

    Args:
        fractions: (N, 37) vote fractions.
        tolerance: the largest difference between a sum and its parent to overlook.

    Returns:
        (N, 11) bool, True where a question's answers do not sum to their parent.
    """
    broken = np.zeros((len(fractions), len(QUESTIONS)), bool)
    for row, question in enumerate(QUESTIONS):
        total = fractions[:, answer_slice(question)].sum(axis=1, dtype=np.float64)
        broken[:, row] = (
            np.abs(total - parent_fractions(fractions, question)) > tolerance
        )
    return broken


def shares_to_fractions(shares: np.ndarray) -> np.ndarray:
    """Multiplies each question's shares down the tree.

    Args:
        shares: (N, 37), each question's answers summing to 1.

    Returns:
        (N, 37) float64 fractions that obey the tree.
    """
    fractions = np.array(shares, np.float64)
    for question in from_top():
        parent = parent_fractions(fractions, question)
        fractions[:, answer_slice(question)] *= parent[:, None]
    return fractions


def fractions_to_shares(fractions: np.ndarray) -> np.ndarray:
    """Divides each answer by its question's sum: the inverse of `shares_to_fractions`.

    A question that nobody reached, its sum 0, gets equal shares.

    Args:
        fractions: (N, 37), none negative; they need not obey the tree.

    Returns:
        (N, 37) float64, each question's answers summing to 1.
    """
    shares = np.array(fractions, np.float64)
    for question in QUESTIONS:
        part = shares[:, answer_slice(question)]
        total = part.sum(axis=1, keepdims=True)
        np.divide(part, total, out=part, where=total > 0)
        part[total[:, 0] <= 0] = 1 / len(question.answers)
    return shares
