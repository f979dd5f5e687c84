"""How much memory training and prediction take, told before they do."""

from typing import NamedTuple

from pipeline.settings.schema import Settings

STARTED = 380_000_000  # bytes: Python, TensorFlow and the labels of the competition


class Appetite(NamedTuple):
    """What a network takes on a CPU, in bytes, as tests/memory.py measured it.

    Attributes:
        trained: by its weights, their averages, and the graph that trains them.
        per_pixel: in a step of training, of each pixel of the batch.
        predicted_per_pixel: in a step of prediction.
    """

    trained: int
    per_pixel: int
    predicted_per_pixel: int


def memory_needed(settings: Settings) -> int | None:
    """Bytes of the larger of training and prediction; None where it was not measured.

    Images that are mapped into memory do not count: the system drops them as it needs.
    """
