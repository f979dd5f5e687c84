"""Benchmarks, run by hand: a table, and the same as JSON.

`python -m tests.benchmarks [OUT.json]`, from the project's folder. All that is compared
is measured in one run, in turns, since machines differ, and one machine from day to
day; whatever else is at work there disturbs them. `starting` makes a run of full size
in the folder for temporary files (3 GB; TMPDIR names another).
"""

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, typed
from pipeline.machine import can_bfloat16, memory_bytes, num_cores
from pipeline.output import say, start_logging
from pipeline.runs.paths import PROJECT
from pipeline.settings.backend import BACKENDS
from pipeline.tables import table
from tests.benchmarks import contenders, overheads
from tests.benchmarks.measuring import (
    ROUNDS,
    Result,
    alternate,
    as_run_sh_does,
    ratio,
    result,
)

TIMM = "timm==1.0.31"
TASKS = {"train": "training step", "predict": "forward pass"}
PRECISIONS = ("float32", "bfloat16")
PACKAGES = ("tensorflow", "keras", "numpy", "torch", "timm")


def main() -> None:
    options = parser().parse_args()
    start_logging()
    as_run_sh_does()
    try:
        refuse_filled(options.out)
        results = run_all(options.only or [*BENCHMARKS], options.rounds)
    except PipelineError as error:
        sys.exit(f"error: {error}")
    facts = machine()
    say("\n".join(f"{name}: {value}" for name, value in facts.items()))
    say(as_table(results))
    if options.out:
        found = facts | {"results": [row._asdict() for row in results]}
        options.out.write_text(json.dumps(found, indent=2) + "\n")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    made.add_argument("out", type=Path, nargs="?", help="a JSON file to write")
    made.add_argument(
        "--only", action="append", choices=BENCHMARKS, help="one of them; repeatable"
    )
    made.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often each is measured"
    )
    return made


def refuse_filled(out: Path | None) -> None:
    if out and out.exists():
        raise PipelineError(f"{out} is there already. Name another file.")


def run_all(names: Sequence[str], rounds: int) -> list[Result]:
    """The results of some benchmarks; where one of them cannot be had, why."""
    results = []
    for name in names:
        try:
            results += BENCHMARKS[name](rounds)
        except PipelineError as error:
            if len(names) == 1:
                raise
            say(f"{name} is left out: {error}")
    return results


def against_torch(rounds: int) -> list[Result]:
    """Our network's speed over that of timm's in its better precision."""
    refuse_missing("torch", "timm")
    return [found for task in TASKS for found in compare(task, rounds)]


def refuse_missing(*packages: str) -> None:
    if not all(map(importlib.util.find_spec, packages)):
        install = typed(sys.executable, "-m", "pip", "install", BACKENDS["torch"], TIMM)
        names = " and ".join(packages)
        raise PipelineError(f'It needs {names}. Run "{install}" first.')


def compare(task: str, rounds: int) -> list[Result]:
    step = TASKS[task]
    ours = {f"{step}, ours": partial(contenders.ours, task)}
    theirs = {
        f"{step}, PyTorch {precision}": partial(contenders.timms, task, precision)
        for precision in PRECISIONS[: 1 + can_bfloat16()]  # else it takes minutes
    }
    found = alternate(ours | theirs, rounds)
    results = {name: result(name, found[name], "images/s") for name in found}
    (own,), best = ours, max(theirs, key=lambda name: results[name].median)
    over = ratio(f"{step}, ours over PyTorch's better", found[own], found[best])
    return [*results.values(), over]


def machine() -> dict[str, Any]:
    """What a number has to be told with."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "processor": processor(),
        "cores": num_cores(),
        "memory": f"{memory_bytes() / 1e9:.1f} GB",
        "python": platform.python_version(),
    } | {
        name: importlib.metadata.version(name)
        for name in PACKAGES
        if importlib.util.find_spec(name)
    }


def processor() -> str:
    """Its name, where Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str:
    """The commit, with a + where files differ from it."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    told = subprocess.run(words, capture_output=True, text=True, cwd=PROJECT)
    return told.stdout.strip() or "unknown"


def as_table(results: Sequence[Result]) -> str:
    header = ("benchmark", "median", "from", "to", "unit")
    rows = [
        (
            row.what,
            *(f"{value:.4g}" for value in (row.median, row.low, row.high)),
            row.unit,
        )
        for row in results
    ]
    return table(header, rows, header[1:4])


BENCHMARKS: dict[str, Callable[[int], list[Result]]] = {
    "torch": against_torch,
    "views": overheads.views,
    "waiting": overheads.waiting,
    "starting": overheads.starting,
}


if __name__ == "__main__":
    main()
