"""Answers, galaxies and settings in words."""

from collections.abc import Sequence

import numpy as np

from pipeline.data.tree import COLUMNS, QUESTIONS, Question, answer_slice
from pipeline.settings.schema import TrainConfig

ROUND = ("completely round", "in between", "cigar-shaped")
BULGES = ("rounded bulge", "boxy bulge", "no bulge")
ARMS = ("1 arm", "2 arms", "3 arms", "4 arms", "more than 4 arms", "arms not countable")
YES = 0  # where an answer stands among those of its question


def question_of(column: int) -> Question:
    """Whose answer a column is."""
    number = int(COLUMNS[column].removeprefix("Class").split(".")[0])
    return QUESTIONS[number - 1]


def answer_text(column: int) -> str:
    question = question_of(column)
    return question.answers[column - answer_slice(question).start]


def full_answer(column: int) -> str:
    """A question and one of its answers."""
    return f"{question_of(column).text} {answer_text(column)}"


def most_likely_class(fractions: np.ndarray) -> str:
    """What most volunteers would call a galaxy (37,): the tree's largest answers."""
    words = form_of(fractions)
    if answer(fractions, 6) != YES:
        return words
    return f"{words}; odd: {QUESTIONS[7].answers[answer(fractions, 8)]}"


def form_of(fractions: np.ndarray) -> str:
    shape = QUESTIONS[0].answers[answer(fractions, 1)]
    if shape == "smooth":
        return f"smooth, {ROUND[answer(fractions, 7)]}"
    if shape == "star or artifact":
        return shape
    if answer(fractions, 2) == YES:
        return f"edge-on disk, {BULGES[answer(fractions, 9)]}"
    barred = "barred " if answer(fractions, 3) == YES else ""
    if answer(fractions, 4) == YES:
        return f"{barred}spiral, {ARMS[answer(fractions, 11)]}"
    return f"{barred}disk without spiral arms"


def answer(fractions: np.ndarray, number: int) -> int:
    """Which answer of a question is the largest, counted from 0."""
    return int(fractions[answer_slice(QUESTIONS[number - 1])].argmax())


def augmentation(train: TrainConfig) -> list[str]:
    """What training may do to an image; empty where it shows each as it is."""
    return [
        *(["turned by any angle"] if train.rotate else []),
        *(["mirrored"] if train.flip else []),
        *([f"zoomed by 1/{train.zoom:g} to {train.zoom:g}"] if train.zoom > 1 else []),
        *([f"moved by up to {train.shift:g} original pixels"] if train.shift else []),
        *([f"its colour changed (spread {train.colour:g})"] if train.colour else []),
    ]


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
