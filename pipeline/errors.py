"""What is shown in one line, without a traceback, and the command that helps."""

import errno
import os
import shlex
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PLAIN = set(range(0x20, 0x7F)) - {*b"'\\"}  # bytes that need no spelling
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM)
OUT_OF_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError")
NO_TEMPORARY_FOLDER = (
    "No folder for temporary files may be written. Name one: TMPDIR=DIR."
)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
OF_MACHINE = (  # whatever else no program can do anything about
    *(errno.EIO, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ELOOP, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EBUSY),
    *(errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT, errno.ETXTBSY, errno.EILSEQ),
)


class PipelineError(Exception):
    """Something the reader can fix: what was expected, what was found, what to do."""


class Misuse(PipelineError):
    """A command that was mistyped, or cannot mean anything."""


def remedy(command: str, work: Path | str, *words: str) -> str:
    """A command as it can be typed, in quotation marks."""
    return f'"{typed("./run.sh", command, *words, "--work", str(work))}"'


def typed(*words: str) -> str:
    """Words as a shell takes them; what cannot be seen is spelled out for it."""
    return " ".join(
        shlex.quote(word) if word.isprintable() else f"$'{spelled(word)}'"
        for word in words
    )


def spelled(word: str) -> str:
    """A word in ASCII, in the way of `$'...'`."""
    return "".join(
        chr(byte) if byte in PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(word)
    )


def trouble_of_machine(error: Exception) -> str | None:
    """What the machine refuses, in a line; None where the mistake is the program's."""
    if is_out_of_memory(error):
        return (
            "The memory is used up. Close other programs, lower train.batch_size or "
            "predict.batch_size, or take a smaller network; the same command resumes."
        )
    if not isinstance(error, OSError):
        return None
    named = isinstance(error.filename, str | bytes)
    path = os.fsdecode(error.filename) if named else ""
    if error.errno in NO_ROOM:
        return (
            f"No room is left for {path or 'a file'}. Make room, and run the same "
            "command to resume; what is finished stays."
        )
    if error.errno == errno.EROFS:
        return (
            f"{path or 'A folder'} lies on a file system that is read-only. Name "
            "another folder: --work, or --set export.folder=DIR for submissions."
        )
    if error.errno in OF_MACHINE:
        return f"{path or 'A file'} cannot be used: {error.strerror}."
    if path and error.errno in FORBIDDEN:
        return forbidden(Path(os.path.abspath(path)), str(error.strerror))
    if not path and "temporary" in str(error.strerror):  # as `tempfile` has it
        return NO_TEMPORARY_FOLDER
    if not path and error.errno in GONE and not has_current_folder():
        return "The current folder is gone. Change to another one, and repeat it there."
    if path and error.errno == errno.ENOTDIR and (file := file_in_the_way(path)):
        return f"{file} is a file, where a folder should be. Move it away."
    if path and error.errno in GONE and not is_of_package(path):
        return f"{path} is gone: something else removed it. Run the same command again."
    return None


def forbidden(path: Path, reason: str) -> str:
    """That a path may not be used, and what opens it."""
    closed = closed_part(path)
    way = f'Run "{typed("chmod", "u+rwX", str(closed))}"'
    if closed.lstat().st_uid != os.geteuid():
        way = f'Ask its owner for "{typed("chmod", "a+rwX", str(closed))}"'
    return (
        f"{path} is not permitted to this user ({reason}). {way}, or name another "
        "folder."
    )


def closed_part(path: Path) -> Path:
    """What of a path keeps this user out: a folder above it, or the file itself."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK):
            return folder
    return path if os.path.lexists(path) else path.parent


def file_in_the_way(path: str) -> Path | None:
    """What of a path is there and no folder, though it should be one."""
    above = Path(os.path.abspath(path)).parents
    return next(
        (place for place in above if place.exists() and not place.is_dir()), None
    )


def has_current_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def is_of_package(path: str) -> bool:
    return PACKAGE in Path(os.path.abspath(path)).parents


def is_out_of_memory(error: Exception) -> bool:
    """Python's own error for it, or that of TensorFlow, PyTorch or JAX."""
    if isinstance(error, MemoryError) or type(error).__name__ in OUT_OF_MEMORY:
        return True
    return type(error).__name__ == "XlaRuntimeError" and "RESOURCE_EXH" in str(error)
