"""Files that are whole or not there, and the lock that one process holds."""

import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pipeline.errors import PipelineError

PARTIAL = ".partial"
OTHER_BYTES = "surrogateescape"  # as Python has them in paths
LONGEST_WAIT = 60.0  # seconds, for a lock that is held for moments
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

log = logging.getLogger(__name__)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A neighbour to write to, which takes the place of `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the ending stays, since writers choose a format by it
    partial = path.with_name(f"{path.stem}{PARTIAL}{path.suffix}")
    # made anew: what lies there may be a link to somewhere else
    partial.unlink(missing_ok=True)
    try:
        with naming(path):
            yield partial
            with open(partial, "rb") as written:
                os.fsync(written.fileno())  # a power cut must not leave an empty file
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError of the block that names no file names this one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise
        number = error.errno
        if number is None and str(error).endswith(" written"):  # numpy's, without one
            number = errno.ENOSPC
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from None


def read_text(path: Path) -> str:
    """Text in UTF-8, with or without a byte order mark; other bytes, as paths may
    hold, stay what they are."""
    return path.read_bytes().decode("utf-8-sig", OTHER_BYTES)


def write_text(path: Path, text: str) -> None:
    """Writes what `read_text` reads."""
    with atomic(path) as partial:
        partial.write_bytes(text.encode("utf-8", OTHER_BYTES))


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is not a readable one."""
    if not path.is_file():  # nor a pipe, which would be waited for
        return None
    try:
        return json.loads(read_text(path))
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expanded(path: str) -> Path:
    """A path whose `~` is the home folder; that of nobody stays as it is."""
    return Path(os.path.expanduser(path))


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
def locked(
    path: Path,
    what: str = "",
    wait: bool = False,
    shared: bool = False,
    other: str = "give another --work folder",
) -> Iterator[None]:
    """Holds a lock that the system releases when the process ends, however it ends.

    Args:
        path: the lock file; it stays, since only the lock on it counts.
        what: what the holder uses, for the refusal.
        wait: wait for another holder, but not for ever, instead of refusing at once.
        shared: others may hold it at the same time who take it so, too.
        other: what else would help who is refused.

    Raises:
        PipelineError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(path) as file:
        ends = time.monotonic() + (LONGEST_WAIT if wait else 0)
        while not take(file, path, shared):
            if time.monotonic() >= ends:
                raise PipelineError(refusal(what or str(path), file, wait, other))
            time.sleep(0.05)
        note_holder(file)
        yield


def note_holder(file: IO[str]) -> None:
    """Writes who holds a lock, for others to read; on a full disk it is not known."""
    os.ftruncate(file.fileno(), 0)
    with contextlib.suppress(OSError):
        os.pwrite(file.fileno(), f"{os.getpid()}\n".encode(), 0)


def take(file: IO[str], path: Path, shared: bool) -> bool:
    """Takes a lock, unless another process holds it."""
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        log.warning(
            "%s: this file system has no locks. Run one command at a time there.",
            path.parent,
        )
    return True


def refusal(what: str, file: IO[str], waited: bool, other: str) -> str:
    file.seek(0)
    holder = file.read().strip() or "unknown"
    if waited:
        return (
            f"{what} is in use by process {holder}, and was waited for "
            f"{LONGEST_WAIT:g} s. Run the same command once that process has ended."
        )
    return f"{what} is in use by process {holder}. Wait for it to end, or {other}."


def open_lock(path: Path) -> Any:
    """The lock file, opened from its start; never a link's target."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        if path.exists() and not path.is_file():  # a pipe, say
            raise PipelineError(f"{path} is not a file. Move it away.")
        return os.fdopen(os.open(path, flags, 0o666), "r+", encoding="utf-8")
    except PermissionError:
        raise
    except OSError as error:
        raise PipelineError(f"Cannot lock {path}: {error.strerror}.") from None


def lock_holder(path: Path) -> str | None:
    """The process that holds a lock; None where nobody does."""
    if not path.is_file():
        return None
    try:
        with open(path, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except OSError:  # a file system without locks
        return None
    return None
