"""Answers, galaxies and settings in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.data.tree import COLUMNS, QUESTIONS, Question, answer_slice
from pipeline.settings.networks import TrainConfig

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


def most_likely_classes(fractions: np.ndarray) -> list[str]:
    """What most volunteers would call galaxies (N, 37): the tree's largest answers."""
    largest = [
        fractions[:, answer_slice(question)].argmax(axis=1) for question in QUESTIONS
    ]
    found, places = np.unique(np.stack(largest, 1), axis=0, return_inverse=True)
    words = [class_in_words(answers) for answers in found.tolist()]
    return [words[place] for place in places.ravel()]


def class_in_words(answers: Sequence[int]) -> str:
    """A galaxy by its answer to each of the 11 questions, counted from 0."""
    chosen = dict(enumerate(answers, 1))
    words = form_in_words(chosen)
    if chosen[6] != YES:
        return words
    return f"{words}; odd: {QUESTIONS[7].answers[chosen[8]]}"


def form_in_words(chosen: Mapping[int, int]) -> str:
    """A galaxy but for what is odd, by its answers to questions of these numbers."""
    shape = QUESTIONS[0].answers[chosen[1]]
    if shape == "smooth":
        return f"smooth, {ROUND[chosen[7]]}"
    if shape == "star or artifact":
        return shape
    if chosen[2] == YES:
        return f"edge-on disk, {BULGES[chosen[9]]}"
    barred = "barred " if chosen[3] == YES else ""
    if chosen[4] == YES:
        return f"{barred}spiral, {ARMS[chosen[11]]}"
    return f"{barred}disk without spiral arms"


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
