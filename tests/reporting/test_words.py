import dataclasses

import numpy as np
import pytest

from pipeline.data.tree import COLUMNS
from pipeline.reporting.words import (
    answer_text,
    augmentation,
    full_answer,
    listed,
    most_likely_classes,
    question_of,
)
from pipeline.settings.networks import TrainConfig


def galaxy(*columns: str) -> np.ndarray:
    """One (37,) of which all volunteers gave these answers, and nothing odd."""
    fractions = np.zeros(37)
    for name in ("Class6.2", *columns):
        fractions[COLUMNS.index(name)] = 1
    return fractions


def test_a_column_knows_its_question_and_answer() -> None:
    assert (question_of(0).number, answer_text(0)) == (1, "smooth")
    assert (question_of(24).number, answer_text(24)) == (8, "dust lane")
    assert (question_of(36).number, answer_text(36)) == (11, "can't tell")
    assert full_answer(31) == "How many arms? 1"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("Class1.1 Class7.3", "smooth, cigar-shaped"),
        ("Class1.3", "star or artifact"),
        ("Class1.2 Class2.1 Class9.2", "edge-on disk, boxy bulge"),
        ("Class1.2 Class2.2 Class3.1 Class4.1 Class11.2", "barred spiral, 2 arms"),
        ("Class1.2 Class2.2 Class3.2 Class4.1 Class11.6", "spiral, arms not countable"),
        ("Class1.2 Class2.2 Class3.2 Class4.2", "disk without spiral arms"),
    ],
)
def test_the_largest_answers_down_the_tree_are_the_class(
    columns: str, words: str
) -> None:
    other = galaxy("Class1.3")
    found = most_likely_classes(np.stack([other, galaxy(*columns.split())]))
    assert found == ["star or artifact", words]


def test_what_is_odd_is_told() -> None:
    odd = galaxy("Class1.1", "Class7.1", "Class8.6")
    odd[13], odd[14] = 0.6, 0.4
    found = most_likely_classes(odd[None])
    assert found == ["smooth, completely round; odd: merger"]


def test_augmentation_is_told_as_it_is_set() -> None:
    train = TrainConfig(rotate=False, zoom=1.3, shift=0, colour=0.5)
    assert augmentation(train) == [
        "mirrored",
        "zoomed by 1/1.3 to 1.3",
        "its colour changed (spread 0.5)",
    ]
    assert augmentation(dataclasses.replace(train, flip=False, zoom=1, colour=0)) == []


def test_words_are_listed_as_one_writes_them() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
