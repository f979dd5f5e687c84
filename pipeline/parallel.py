"""Work spread over all cores, with a progress bar, and no worker left behind."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from pipeline.progress import progress

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
    Whoever stops asking for results, by an error, Ctrl-C or a signal, ends the work.

    Args:
        function: called in a worker process.
        tasks: its arguments.
        what: the title of the progress bar.
        sizes: how many units each task holds, for the bar.
        unit: what a bar counts.
    """
    num_workers = min(len(tasks), num_cores())
    with progress(total=sum(sizes), what=what, unit=unit) as bar:
        if num_workers < 2:
            for task, size in zip(tasks, sizes, strict=True):
                yield function(task)
                bar.update(size)
            return
        with worker_pool(num_workers) as pool:
            futures = [pool.submit(function, task) for task in tasks]
            rows = {future: row for row, future in enumerate(futures)}
            del futures  # with a future goes its result
            for row, result in in_order(rows):
                bar.update(sizes[row])
                yield result


def in_order(rows: dict[Future[Result], int]) -> Iterator[tuple[int, Result]]:
    """Yields the results row by row, whichever are done first."""
    done: dict[int, Result] = {}
    due = 0
    for future in as_completed(rows):
        done[rows.pop(future)] = future.result()
        while due in done:
            yield due, done.pop(due)
            due += 1


@contextmanager
def worker_pool(size: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers end when the block or this process does, however it ends."""
    # spawn, since a fork after TensorFlow has started its threads can hang
    context = multiprocessing.get_context("spawn")
    # nothing is ever sent: the other end notices when this one is closed
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours:
        pool = ProcessPoolExecutor(size, context, start_worker, (theirs,))
        try:
            yield pool
        except BaseException:
            ours.close()  # ends the tasks under way
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def start_worker(lifeline: Connection) -> None:
    """Leaves the other cores to the other workers, and no worker to itself."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # read when numpy is first imported
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this

    def wait_for_the_end() -> None:
        lifeline.poll(None)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
