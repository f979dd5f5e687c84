"""Where a score would have ended in the competition of 2014."""

import hashlib
import math

import numpy as np

# private-board RMSEs of the final standings, as the teams published them
PLACES = ((1, 0.07492), (2, 0.07753), (3, 0.07869), (9, 0.08246))
BENCHMARK = 0.1619  # the competition's own: each galaxy judged by its central pixel
# sha256 of the ids of its 79,975 test galaxies, ascending, as little-endian int64
TEST_SET = "cb6dbd8f78ddf5b7248cb7703840fa8c4b62931b20816099b63a6c51b0de5b90"


def place_2014(score: float) -> str:
    """A private score among those of 2014, in a phrase."""
    if score >= BENCHMARK:
        return f"behind the central pixel benchmark ({BENCHMARK})"
    for index, (place, rmse) in enumerate(PLACES):
        if score > rmse:
            continue
        if index == 0:
            return f"1st (the winner had {rmse:.5f})"
        better, theirs = PLACES[index - 1]
        if place == better + 1:
            return f"{ordinal(place)} (after {theirs:.5f})"
        return f"between {ordinal(better)} and {ordinal(place)}"
    return f"after {ordinal(PLACES[-1][0])} ({PLACES[-1][1]:.5f})"


def is_test_set(ids: np.ndarray) -> bool:
    """Whether galaxies (N,) are the competition's test set, in any order."""
    return hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest() == TEST_SET


def score_of(text: str) -> float | None:
    """A score as a number; None where the text is not one."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def ordinal(place: int) -> str:
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }"
