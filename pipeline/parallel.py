"""Work spread over all cores, with a progress bar, and no worker left behind."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from pipeline.errors import PipelineError
from pipeline.progress import progress, start_logging

log = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")


def num_cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_parallel(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    what: str,
    sizes: Sequence[int],
    unit: str = "image",
) -> Iterator[Result]:
    """Yields `function(task)` for each task, in the order of the tasks.

    The function and the tasks must be picklable; a single task runs in this process.

    Args:
        function: called in a worker process.
        tasks: its arguments.
        what: the title of the progress bar.
        sizes: how many units each task holds, for the bar.
        unit: what a bar counts.
    """
    with progress(total=sum(sizes), what=what, unit=unit) as bar:
        if min(len(tasks), num_cores()) < 2:
            for task, size in zip(tasks, sizes, strict=True):
                yield function(task)
                bar.update(size)
            return
        with worker_pool(min(len(tasks), num_cores())) as pool:
            futures = {
                pool.submit(function, task): row for row, task in enumerate(tasks)
            }
            done: dict[int, Result] = {}
            due = 0
            for future in as_completed(futures):
                row = futures.pop(future)  # with it goes its result
                done[row] = future.result()
                bar.update(sizes[row])
                while due in done:
                    yield done.pop(due)
                    due += 1


def worker_pool(size: int) -> ProcessPoolExecutor:
    """A pool whose workers end when this process does, however it ends."""
    # spawn, since a fork after TensorFlow has started its threads can hang
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(size, mp_context=context, initializer=start_worker)


def in_own_process(what: str, task: Callable[..., None], *arguments: object) -> bool:
    """Runs a task in a fresh interpreter; what goes wrong there is told in the log.

    Args:
        what: what the task is for, in front of an error.
        task: a function of a module, so that it can be pickled.
        arguments: its own.

    Returns:
        Whether it went well.
    """
    process = multiprocessing.get_context("spawn").Process(
        target=run_alone, args=(what, task, arguments)
    )
    process.start()
    try:
        process.join()
    finally:
        process.kill()  # where this process is told to end before that one has
        process.join()
    if process.exitcode < 0:
        log.error(
            "error: %s: its process was ended by signal %d; 9 means that memory may "
            "have run out",
            what,
            -process.exitcode,
        )
    return process.exitcode == 0


def run_alone(
    what: str, task: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    """The whole life of the process that a task has to itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this
    start_logging()
    watch_parent()
    try:
        task(*arguments)
    except PipelineError as error:
        log.error("error: %s: %s", what, error)
        sys.exit(1)


def start_worker() -> None:
    """Leaves the other cores to the other workers, and no worker to itself."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # read when numpy is first imported
        os.environ[f"{library}_NUM_THREADS"] = "1"
    watch_parent()


def watch_parent() -> None:
    """Ends this worker as soon as its parent is gone, even by kill -9."""
    parent = multiprocessing.parent_process()

    def wait_for_the_end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
