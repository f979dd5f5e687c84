"""Times taken alternately, in processes of their own, and what is said of them."""

import contextlib
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from pipeline.runs.paths import PROJECT

ROUNDS = 7


class Result(NamedTuple):
    """What a benchmark found.

    Attributes:
        what: in words.
        unit: of the numbers; empty of a ratio or a share.
        median: of the rounds.
        low, high: their quartiles.
    """

    what: str
    unit: str
    median: float
    low: float
    high: float


def result(what: str, values: Sequence[float], unit: str = "") -> Result:
    if len(values) == 1:
        return Result(what, unit, values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Result(what, unit, median, low, high)


def ratio(what: str, above: Sequence[float], below: Sequence[float]) -> Result:
    """Of one speed over another, round by round: what disturbs one, disturbs both."""
    return result(what, [a / b for a, b in zip(above, below, strict=True)])


def seconds_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternate(
    contenders: dict[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """What each measures, one at a time, in turns; the first turn only warms up.

    Args:
        contenders: by their names; each runs in a process of its own, which lasts.
        rounds: how often each is called.
    """
    found: dict[str, list[float]] = {name: [] for name in contenders}
    with contextlib.ExitStack() as stack:
        pools = {name: stack.enter_context(one_process()) for name in contenders}
        for _ in range(rounds + 1):
            for name, measure in contenders.items():
                found[name].append(pools[name].submit(measure).result())
    return {name: values[1:] for name, values in found.items()}


@contextlib.contextmanager
def one_process() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


def as_run_sh_does() -> None:
    """Gives processes to come the environment that run.sh gives the pipeline."""
    lines = (PROJECT / "run.sh").read_text().splitlines()
    own = [line for line in lines if line.startswith(("m=", "keep=", "export GLIBC"))]
    script = "\n".join([*own, "printenv GLIBC_TUNABLES"])
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    os.environ["GLIBC_TUNABLES"] = told.stdout.strip()
