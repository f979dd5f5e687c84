"""Parts of a command on the workers of a Dask cluster, which share a file system."""

import argparse
import contextlib
import hashlib
import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.bars import progress
from pipeline.cli.catalogue import IN_PARTS
from pipeline.errors import Misuse, PipelineError, typed
from pipeline.inference.blocks import most_blocks
from pipeline.output import counted
from pipeline.runs.contents import load_ids
from pipeline.runs.graph import Run
from pipeline.runs.paths import PROJECT
from pipeline.runs.receipts import require

if TYPE_CHECKING:
    from distributed import Client

PARTS = 4  # for each worker: a fast one takes what a slow one has not begun
# What `python -m pipeline` is, in a process that ends with the one that started it. It
# has no module of its own, which its worker processes would import first: numpy must
# come after they know how many threads it may have
WITH_ITS_STARTER = """
import runpy, sys
from pipeline.signals import end_with_input
end_with_input()
sys.argv[0] = "./run.sh"
runpy.run_module("pipeline", run_name="__main__")
"""
CONNECT_SECONDS, WORKER_SECONDS, LOOK_SECONDS = 10, 30, 0.3

log = logging.getLogger(__name__)


class Job(NamedTuple):
    """One part of a command.

    Attributes:
        words: its command line.
        folder: where that was typed.
        code: what the worker's `code_digest` must be.
    """

    words: tuple[str, ...]
    folder: str
    code: str


class Ending(NamedTuple):
    """How the process of a part ended: its exit code, and its standard error."""

    code: int
    said: str


def share_out(run: Run, options: argparse.Namespace) -> None:
    """Lets a cluster do the parts of a command that are left; joins nothing.

    Raises:
        Misuse: it is one part already, or all is to be made anew.
        PipelineError: no scheduler, no workers, other code there, or a part failed.
    """
    if getattr(options, "force", False):
        raise Misuse("--force is for all of the work, not for parts on a cluster.")
    alone = ("part", "member", "join")
    if given := [name for name in alone if getattr(options, name, None)]:
        raise Misuse(f"--{given[0]} and --scheduler exclude each other.")
    with connected(options.scheduler) as client:
        num_workers = count_workers(client, options.scheduler)
        words = options.command, *without_scheduler(options.words), "--quiet"
        code, folder = code_digest(), os.getcwd()
        jobs = [
            Job((*words, share), folder, code)
            for share in list_shares(run, options.command, PARTS * num_workers)
        ]
        what = f"{options.command} on {counted(num_workers, 'worker')}"
        await_jobs(client, jobs, what)


def list_shares(run: Run, command: str, most: int) -> list[str]:
    """The options that name the parts of a command; none where all is done.

    Args:
        run: whose.
        command: preprocess, train, predict or predict-images.
        most: parts, where they are cut as one likes.
    """
    if command == "train":
        members = run.planned.members
        left = [number for number, own in enumerate(members) if not own.is_done]
        return [f"--member={number + 1}" for number in left]
    if command not in IN_PARTS:
        for member in run.members:
            require(member)
    made = [item for item in run.artifacts if item.made_by == command]
    if command in IN_PARTS and all(item.is_done for item in made):
        return []
    if command == "predict":  # a part takes seconds to load its networks
        num_galaxies = len(load_ids(require(run.shards("test"))))
        most = min(most, most_blocks(num_galaxies))
    return [f"--part={number + 1}/{most}" for number in range(most)]


def without_scheduler(words: Sequence[str]) -> list[str]:
    """The words of a command line without that option."""
    rest, kept = iter(words), []
    for word in rest:
        if word == "--scheduler":
            next(rest, None)
        elif not word.startswith("--scheduler="):
            kept.append(word)
    return kept


@contextlib.contextmanager
def connected(address: str) -> "Iterator[Client]":
    """A client of a scheduler, which is left as it was.

    Raises:
        PipelineError: Dask is not installed, or there is no scheduler.
    """
    if importlib.util.find_spec("distributed") is None:
        install = typed(sys.executable, "-m", "pip", "install", *packages())
        raise PipelineError(
            f'--scheduler needs the package distributed. Run "{install}".'
        )
    from distributed import Client

    # what it has to say of lost connections, we say
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_SECONDS, name="galaxy-zoo")
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PipelineError(
            f"There is no Dask scheduler at {address} ({reason}). docs/scaling.md says "
            "how to start one."
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=1)


def packages() -> list[str]:
    """What pyproject.toml asks for where there is a cluster."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return project["optional-dependencies"]["cluster"]


def count_workers(client: "Client", address: str) -> int:
    """How many workers there are, once there is one.

    Raises:
        PipelineError: none came.
    """
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise PipelineError(
            f"The scheduler at {address} has no workers. docs/scaling.md says how to "
            "start them."
        ) from error
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if any(worker["nthreads"] > 1 for worker in workers.values()):
        log.warning(
            "workers of several threads do several parts at once, each with the memory "
            "of one: start them with --nthreads 1"
        )
    return len(workers)


def await_jobs(client: "Client", jobs: Sequence[Job], what: str) -> None:
    """Runs all jobs, each on some worker; on another one where that is lost.

    Raises:
        PipelineError: one failed, or the scheduler is gone.
    """
    import cloudpickle
    from distributed import CancelledError, as_completed
    from distributed.scheduler import KilledWorker

    # a function without a name travels as code, and this module's with it: neither
    # scheduler nor workers need to import this project
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    run = lambda *parts: tuple(run_job(Job(*parts)))  # noqa: E731
    futures = [client.submit(run, *job, pure=False) for job in jobs]
    names = {
        future.key: job.words[-1] for future, job in zip(futures, jobs, strict=True)
    }
    with progress(total=len(jobs), what=what, unit="part") as bar:
        for future in as_completed(futures):
            try:
                check_ending(names[future.key], Ending(*future.result()))
            except CancelledError:
                raise PipelineError(
                    "The scheduler is gone. What is done is kept: run the same command "
                    "again, with a scheduler or without."
                ) from None
            except KilledWorker as error:
                raise PipelineError(
                    f"{names[future.key]}: {error.allowed_failures + 1} workers ended "
                    "while they did it, most likely since their memory was used up."
                ) from None
            bar.update(1)


def check_ending(name: str, ending: Ending) -> None:
    """Passes on what a part had to say.

    Raises:
        PipelineError: it failed.
    """
    if ending.code == 0:
        for line in ending.said.splitlines():
            log.warning("%s: %s", name, line)
        return
    if found := re.search(r"^error: (.*)", ending.said, re.MULTILINE):
        raise PipelineError(f"{name}: {found[1]}")
    log.error("%s", ending.said)
    raise PipelineError(f"{name} ended with code {ending.code} on its worker.")


def code_digest() -> str:
    """What the code of this project is, all of it."""
    digest = hashlib.sha256()
    files = sorted((PROJECT / "pipeline").rglob("*.py"))
    for path in (*files, PROJECT / "requirements.txt"):
        digest.update(f"{path.relative_to(PROJECT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run_job(job: Job) -> Ending:
    """Runs a part in a process of its own: called by a worker.

    The process ends when the worker does, or when nobody waits for the part any more.
    """
    machine = f"the worker on {os.uname().nodename}"
    for folder in (PROJECT / "pipeline", Path(job.folder)):
        if not folder.is_dir():
            return Ending(
                1, f"error: {machine} does not see {folder}. All need the same files."
            )
    if code_digest() != job.code:
        return Ending(
            1,
            f"error: {machine} would run other code: {PROJECT} there is of another "
            "version. Bring it up to date.",
        )
    command = [sys.executable, "-P", "-c", WITH_ITS_STARTER, *job.words]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=job.folder,
            env=environment,
            stdin=subprocess.PIPE,  # nothing is ever sent: it ends with this process
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        with process.stdin:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
                if is_cancelled():
                    process.terminate()
        said.seek(0)
        return Ending(process.returncode, said.read().decode(errors="replace"))


def is_cancelled() -> bool:
    """Whether nobody waits any more for what this worker does: called within a job."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is None or task.state in ("cancelled", "resumed")
