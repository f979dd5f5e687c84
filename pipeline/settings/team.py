"""Several machines in one training: what TF_CONFIG says of them.

It is TensorFlow's own variable, the same on every machine but for the index:
{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}
"""

import functools
import json
import os
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import Misuse

if TYPE_CHECKING:
    import tensorflow as tf

VARIABLE = "TF_CONFIG"
CHIEF, WORKER = "chief", "worker"


class Team(NamedTuple):
    """The machines of a training.

    Attributes:
        place: of this one among them, from 0 on; the first one keeps what is made.
        addresses: of all.
    """

    place: int
    addresses: tuple[str, ...]

    @property
    def is_first(self) -> bool:
        return self.place == 0


def team() -> Team | None:
    """The machines that train together; None where this one is alone.

    Raises:
        Misuse: the variable is not as it should be.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        kind, index = task["type"], int(task["index"])
        machines = {name: [*map(str, places)] for name, places in cluster.items()}
        machines[kind][index]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Misuse(
            f"{VARIABLE} does not name this machine among those of a cluster "
            f"({type(error).__name__}: {error}). docs/scaling.md has an example."
        ) from error
    if other := sorted(machines.keys() - {CHIEF, WORKER}):
        raise Misuse(f"{VARIABLE} takes chief and worker, not {', '.join(other)}.")
    first, rest = machines.get(CHIEF, []), machines.get(WORKER, [])
    place = index if kind == CHIEF else len(first) + index
    addresses = (*first, *rest)
    return Team(place, addresses) if len(addresses) > 1 else None


@functools.cache
def join_team() -> "tf.distribute.Strategy | None":
    """Meets the other machines, once, before TensorFlow computes anything.

    Returns:
        How they share the work; None where there are no others.
    """
    if team() is None:
        return None
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()
