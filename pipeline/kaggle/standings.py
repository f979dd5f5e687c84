"""Where a score would have ended in the competition of 2014."""

import math

# private-board RMSEs of the final standings, as the teams published them
PLACES = ((1, 0.07492), (2, 0.07753), (3, 0.07869), (9, 0.08246))
BENCHMARK = 0.1619  # the competition's own: each galaxy judged by its central pixel


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


def score_of(text: str) -> float | None:
    """A score as a number; None where the text is not one."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def ordinal(place: int) -> str:
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }"
