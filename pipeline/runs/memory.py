"""How much memory training and prediction take, told before they do."""

from typing import NamedTuple

from pipeline.data.shards import images_at_once
from pipeline.machine import num_at_once
from pipeline.output import human_size
from pipeline.settings.networks import TrainConfig
from pipeline.settings.schema import Settings, num_networks

STARTED = 380_000_000  # bytes: Python, TensorFlow, the labels of the competition


class Appetite(NamedTuple):
    """What a network takes on a CPU, in bytes, as tests/memory.py measured it.

    Attributes:
        fixed: its weights, what its optimizer keeps of them, and the graph of a step.
        trained: a pixel of a batch that is fitted.
        predicted: a pixel of a batch that is predicted.
    """

    fixed: int
    trained: int
    predicted: int


APPETITES = {  # what is not here was not measured
    "compact": Appetite(40_000_000, 340, 150),
    "sirressi2020": Appetite(60_000_000, 100, 105),
    "dieleman2014": Appetite(1_180_000_000, 1550, 450),
    "efficientnetlite0": Appetite(470_000_000, 700, 225),
    "resnet50": Appetite(1_390_000_000, 1840, 480),
    "efficientnetv2b0": Appetite(745_000_000, 1170, 410),
    "convnexttiny": Appetite(1_240_000_000, 5000, 1520),
}


def memory_needed(settings: Settings) -> int | None:
    """About how many bytes training and prediction take; None where it is not known.

    Shards do not count: they are mapped, so that the system may drop what it has read.
    """
    kinds = settings.kinds.values()
    if any(kind.model not in APPETITES for kind in kinds):
        return None
    largest = max(bytes_of_network(settings, kind) for kind in kinds)
    at_once = min(num_at_once(settings.train.threads), num_networks(settings))
    return at_once * (STARTED + largest)


def bytes_of_network(settings: Settings, kind: TrainConfig) -> int:
    """What training and prediction take with a kind of network."""
    network = APPETITES[kind.model]
    size, batch_size = settings.preprocess.image_size, settings.predict.batch_size
    fitted = kind.batch_size * size**2
    predicted = images_at_once(batch_size, size) * size**2
    return network.fixed + max(network.trained * fitted, network.predicted * predicted)


def told_memory(settings: Settings, total: int) -> str:
    """What there is, in all, and what a run takes of it."""
    needed = memory_needed(settings)
    if needed is None:
        models = " and ".join(kind.model for kind in settings.kinds.values())
        need = f"how much {models} takes is not known"
    else:
        need = f"training and prediction take about {human_size(needed)}"
    return f"{human_size(total)}; {need}"
