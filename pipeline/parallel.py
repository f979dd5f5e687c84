"""Work spread over all cores, with a progress bar, and no worker left behind."""

import contextlib
import itertools
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from pipeline.bars import lock_within_process, progress
from pipeline.errors import PipelineError
from pipeline.machine import num_at_once, num_cores
from pipeline.output import LOG

LIBRARIES = ("OPENBLAS", "OMP", "MKL")
LAST_WORDS: list[Callable[[], object]] = []  # of a worker that is ended
LONGEST_LINE = 900  # characters; in UTF-8 a pipe takes them in one piece
AHEAD = 2  # tasks for each worker, begun before their results are asked for

Task = TypeVar("Task")
Result = TypeVar("Result")


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
    if num_workers > 1 and not can_share():
        num_workers = 1
    with progress(total=sum(sizes), what=what, unit=unit) as bar:
        if num_workers < 2:
            for task, size in zip(tasks, sizes, strict=True):
                yield function(task)
                bar.update(size)
            return
        with worker_pool(num_workers) as pool, telling_of_death():
            submitted = (pool.submit(function, task) for task in tasks)
            for row, result in in_order(submitted, AHEAD * num_workers):
                bar.update(sizes[row])
                yield result


def ahead(items: Iterator[Result]) -> Iterator[Result]:
    """The same items, each prepared while the one before it is in use.

    Whoever stops asking waits for the item under way, and no thread is left.
    """
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


@contextmanager
def telling_of_death() -> Iterator[None]:
    """A worker that the system has killed is one line."""
    try:
        yield
    except BrokenProcessPool:
        raise PipelineError(
            "A worker process was ended from outside, most likely since the memory was "
            "used up. Close other programs, or use one core "
            '("taskset -c 0 ./run.sh ..."), and run the same command to resume.'
        ) from None


def can_share() -> bool:
    """Whether worker processes can be had; they need semaphores in shared memory."""
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        LOG.warning("no worker processes (%s, of /dev/shm): one core does all", error)
        return False
    return True


def in_order(
    futures: Iterator[Future[Result]], most: int
) -> Iterator[tuple[int, Result]]:
    """Yields the results row by row, whichever are done first.

    Args:
        futures: each submitted when it is asked for.
        most: how many may be under way, or done and not asked for.
    """
    rows: dict[Future[Result], int] = {}
    done: dict[int, Result] = {}
    due, coming = 0, enumerate(futures)
    while True:
        for row, future in itertools.islice(coming, most - len(rows) - len(done)):
            rows[future] = row
        if not rows:
            return
        for future in wait(rows, return_when=FIRST_COMPLETED).done:
            done[rows.pop(future)] = future.result()
        while due in done:
            yield due, done.pop(due)
            due += 1


def run_side_by_side(
    function: Callable[..., Result],
    tasks: Sequence[tuple],
    cores_each: int,
    look: Callable[[], object] = int,
) -> list[Result]:
    """Calls `function(*task)` for each task, several at a time, each on its own cores.

    Their log lines are this process's.

    Args:
        function: called in a worker process.
        tasks: its arguments, picklable.
        cores_each: how many cores a call has for itself.
        look: called every second meanwhile.

    Returns:
        What each returned, in the order of the tasks.
    """
    usable = sorted(os.sched_getaffinity(0))[: num_cores()]
    size = min(num_at_once(cores_each), len(tasks))
    with ExitStack() as stack:
        lines = stack.enter_context(passed_on())
        stack.enter_context(telling_of_death())
        pools = []
        for number in range(size):
            own = usable[number * cores_each : (number + 1) * cores_each]
            start = start_on_own_cores, own, lines, LOG.level
            pools.append(stack.enter_context(worker_pool(1, *start)))
        coming, idle = iter(tasks), pools
        futures: list[Future[Result]] = []
        running: dict[Future[Result], ProcessPoolExecutor] = {}
        while running or len(futures) < len(tasks):
            for pool, task in zip(idle, coming, strict=False):
                futures.append(pool.submit(function, *task))
                running[futures[-1]] = pool
            done = wait(running, 1, FIRST_COMPLETED).done
            for future in done:
                future.result()
            idle = [running.pop(future) for future in done]
            look()
    return [future.result() for future in futures]


def start_on_own_cores(
    lifeline: Connection, own: Sequence[int], lines: Connection, level: int
) -> None:
    """Keeps a worker to some cores; what it logs is told by who asked."""
    start_worker(lifeline)
    os.sched_setaffinity(0, own)
    for library in LIBRARIES:
        os.environ[f"{library}_NUM_THREADS"] = str(len(own))
    lock_within_process()
    LOG.handlers = [Passing(lines)]
    LOG.setLevel(level)


class Passing(logging.Handler):
    """Sends log lines to another process, each in one piece of a pipe."""

    def __init__(self, lines: Connection) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.send((record.levelno, self.format(record)[:LONGEST_LINE]))


@contextmanager
def passed_on() -> Iterator[Connection]:
    """Where workers send what they log, to be logged here, for the time of a block."""
    theirs, ours = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                level, line = theirs.recv()
                LOG.log(level, "%s", line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()  # the last one who could send
        thread.join(1)
        theirs.close()


@contextmanager
def worker_pool(
    size: int, start: Callable[..., None] | None = None, *more: object
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers end when the block or this process does, however it ends.

    Args:
        size: how many workers.
        start: what a worker begins with, if not by `start_worker`.
        more: what that is told, besides.
    """
    # spawn, since a fork after TensorFlow has started its threads can hang
    context = multiprocessing.get_context("spawn")
    # nothing is ever sent: the other end notices when this one is closed
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours:
        start = start or start_worker
        pool = ProcessPoolExecutor(size, context, start, (theirs, *more))
        try:
            yield pool
        except BaseException:
            ours.close()  # ends the tasks under way
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def start_worker(lifeline: Connection) -> None:
    """Leaves the other cores to the other workers, and no worker to itself."""
    for library in LIBRARIES:  # read when numpy is first imported
        os.environ[f"{library}_NUM_THREADS"] = "1"
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent hears it, and ends this
        signal.signal(number, signal.SIG_IGN)

    def wait_for_the_end() -> None:
        lifeline.poll(None)
        for say in LAST_WORDS:
            say()
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
