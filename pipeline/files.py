"""Files that are whole or not there, and the lock that one process holds."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

PARTIAL = ".partial"


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A neighbour to write to, which takes the place of `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the ending stays, since writers choose a format by it
    partial = path.with_name(f"{path.stem}{PARTIAL}{path.suffix}")
    # made anew: what lies there may be a link to somewhere else
    partial.unlink(missing_ok=True)
    try:
        yield partial
        with open(partial, "rb") as written:
            os.fsync(written.fileno())  # a power cut must not leave an empty file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is not a readable one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def refuse_link(path: Path) -> None:
    """Refuses to write through a link: what it points to is not ours."""
    if path.is_symlink():
        raise PipelineError(
            f"{path} is a link. A work directory holds no links: move the files here, "
            "or give another --work folder."
        )


@contextlib.contextmanager
def locked(path: Path, what: str = "", wait: bool = False) -> Iterator[None]:
    """Holds a lock that the system releases when the process ends, however it ends.

    Args:
        path: the lock file; it stays, since only the lock on it counts.
        what: what the holder uses, for the refusal.
        wait: wait for another holder instead of refusing.

    Raises:
        PipelineError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise PipelineError(
                f"{what} is in use by process {holder}. Wait for it to end, or give "
                "another --work folder."
            ) from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def open_lock(path: Path) -> Any:
    """The lock file, opened from its start; never a link's target."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.fdopen(os.open(path, flags, 0o666), "r+", encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"Cannot lock {path}: {error.strerror}.") from None


def lock_holder(path: Path) -> str | None:
    """The process that holds a lock; None where nobody does."""
    try:
        with open(path, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except OSError:
        return None
    return None
