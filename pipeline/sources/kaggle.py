"""The competition's files from Kaggle, by its official client."""

import errno
import itertools
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.bars import progress
from pipeline.errors import PipelineError
from pipeline.files import PARTIAL
from pipeline.kaggle.client import Kaggle, NoCredentials, connect, pause
from pipeline.kaggle.failures import PAGE, KaggleTrouble
from pipeline.settings.schema import KaggleConfig
from pipeline.sources.everything import unpack_missing
from pipeline.sources.folder import FILES, find_file
from pipeline.sources.integrity import content_trouble, trouble_with, zip_trouble

# The tables first: they are small, show whether access is given, and name the images
# there must be. Then, by the images, whether the tables are as long as they must be.
STEPS = (
    ("sample", False),
    ("solutions", False),
    ("train_images", True),
    ("test_images", True),
    ("solutions", True),
    ("sample", True),
)
PROGRESS = 1024 * 1024  # bytes after which failures are counted anew
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


def fetch(raw: Path, patience: KaggleConfig | None = None) -> None:
    """Fetches the competition's files that are not there yet, one by one.

    What lies there, whoever put it there, is checked and kept if it is whole.

    Writes  raw/<name>.zip            once every byte in it is checked
            raw/<name>.zip.partial    what has come so far; the next run resumes from it

    Raises:
        PipelineError: no credentials, no access, no network, no room, a broken file.
    """
    patience = patience or KaggleConfig()
    kaggle, sizes, fetched = None, {}, set()
    try:
        unpack_missing(raw)
        if not all(find_file(raw, name) for name in FILES.values()):
            kaggle, sizes = open_access(patience, raw)
            check_room(raw, sizes)
        for role, compare in STEPS:
            name = f"{FILES[role]}.zip"
            if role in fetched or is_good(raw, role, sizes.get(name), compare):
                continue
            if kaggle is None:
                kaggle, sizes = open_access(patience, raw, role)
            fetch_file(kaggle, raw / name, sizes[name])
            fetched.add(role)
            if trouble := content_trouble(raw, role, compare):
                raise PipelineError(f"{raw / name} from Kaggle {trouble}.")
        for name in FILES.values():
            (raw / f"{name}.zip{PARTIAL}").unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise no_room(raw, sizes) from None
    for role in FILES:
        if role not in fetched:
            log.info("%s was there, and is whole", find_file(raw, FILES[role]).name)


def open_access(
    patience: KaggleConfig, raw: Path, bad: str | None = None
) -> tuple[Kaggle, dict[str, int]]:
    """Logs in; the size of each needed file, as Kaggle lists it.

    Args:
        patience: how long it is waited for.
        raw: where files may be that somebody has put there.
        bad: the role of one there that cannot be used.
    """
    try:
        kaggle = connect(patience)
    except NoCredentials as error:
        there = [role for role in FILES if role != bad and find_file(raw, FILES[role])]
        if not there:
            raise
        lacking = [f"{FILES[role]}.zip" for role in FILES if role not in there]
        raise PipelineError(
            f"{raw} lacks {' and '.join(lacking)}. Get it at {PAGE}/data and put it "
            f"there, or let it be fetched. {error}"
        ) from None
    listed = kaggle.file_sizes()
    names = [f"{name}.zip" for name in FILES.values()]
    if missing := [name for name in names if listed.get(name, 0) <= 0]:
        others = sorted(map(str, listed))
        more = f" and {len(others) - 10} more" if others[10:] else ""
        raise PipelineError(
            f"Kaggle's list of files lacks {', '.join(missing)}, or their sizes. It "
            f"has: {', '.join(others[:10]) or 'nothing'}{more}."
        )
    return kaggle, {name: listed[name] for name in names}


def is_good(raw: Path, role: str, size: int | None, compare: bool) -> bool:
    """Whether a file lies there, and is what it should be; says what is wrong."""
    path = find_file(raw, FILES[role])
    if path is None:
        return False
    if size and path.suffix == ".zip" and path.stat().st_size != size:
        trouble = f"has {path.stat().st_size:,} bytes, Kaggle's has {size:,}"
    else:
        trouble = trouble_with(raw, role, compare)
    if trouble:
        log.warning("%s %s; fetching it from Kaggle", path, trouble)
    return not trouble


def fetch_file(kaggle: Kaggle, path: Path, size: int) -> None:
    """Fetches one zip, checks every byte, and only then gives it its name."""
    partial = path.with_name(path.name + PARTIAL)
    for last in (False, True):  # a bad one is fetched again, from its first byte
        fill(kaggle, partial, path.name, size)
        trouble = zip_trouble(partial)
        if not trouble:
            break
        partial.unlink()
        if last:
            raise PipelineError(
                f"{path.name} came broken twice: it {trouble}. Run it again later, or "
                f"put the file into {path.parent} by hand."
            )
        log.warning("%s %s; fetching it again", path.name, trouble)
    with open(partial, "rb") as written:
        os.fsync(written.fileno())
    set_aside(path)
    partial.replace(path)
    log.info("%s: %s bytes, checked", path.name, f"{size:,}")


def set_aside(path: Path) -> None:
    """Renames what is there: damaged or not, it may be the user's."""
    if not path.exists():
        return
    number = 1
    while (other := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(other)
    log.warning("%s was set aside as %s", path, other.name)


def fill(kaggle: Kaggle, partial: Path, name: str, size: int) -> None:
    """Adds to a partial file until it has its size, through however many cuts."""
    failures = most = 0
    with progress(size, name, "B", unit_scale=True) as bar:
        while (there := size_of(partial)) != size:
            if there > size:
                partial.unlink()
                continue
            try:
                receive(kaggle, partial, name, size, bar)
            except KaggleTrouble as trouble:
                come = size_of(partial)
                most = max(most, there)  # what is lost and comes again is no progress
                failures = 1 if come - most >= PROGRESS else failures + 1
                kept = f"{come:,} of {size:,} bytes of {name} are kept."
                pause(trouble, failures, kaggle.patience, kept)


def receive(kaggle: Kaggle, partial: Path, name: str, size: int, bar: tqdm) -> None:
    """Appends what one connection brings; less than the rest is a KaggleTrouble."""
    response = kaggle.open_file(name, size_of(partial))
    start, whole = extent(response)
    if whole not in (size, None) or start not in (0, size_of(partial)):
        response.close()
        partial.unlink(missing_ok=True)
        offer = "a part that it does not name"
        if start >= 0:
            offer = f"{whole:,} from byte {start:,} on"
        raise KaggleTrouble(
            f"{name} should have {size:,} bytes; the storage offers {offer}.",
            again=True,
        )
    bar.update(start - bar.n)
    blocks = kaggle.blocks(name, response)
    head = b""
    while len(head) < 2 and (block := next(blocks, b"")):
        head += block
    if start == 0 and not head.startswith(b"PK"):
        raise KaggleTrouble(f"{name} came as something that is not a zip.", again=True)
    with open(partial, "ab" if start else "wb") as file:
        for block in itertools.chain([head], blocks):
            start += len(block)
            if start > size:
                break
            file.write(block)
            bar.update(len(block))
    if start > size:
        response.close()
        partial.unlink()
        raise KaggleTrouble(f"{name} is longer than its {size:,} bytes.", again=True)
    if start < size:
        raise KaggleTrouble(f"Connection lost while fetching {name}.", again=True)


def extent(response: Any) -> tuple[int, int | None]:
    """Where a response begins, and how large the whole file is, if that is told."""
    headers = response.headers
    told = headers.get("Content-Range", "")
    span = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", told, re.ASCII)
    if response.status_code == 206:
        return (int(span[1]), int(span[2])) if span else (-1, -1)
    told = headers.get("Content-Length", "")
    # a storage that knows no ranges sends all of it
    return 0, int(told) if re.fullmatch(r"\d{1,18}", told, re.ASCII) else None


def check_room(raw: Path, sizes: dict[str, int]) -> None:
    if shutil.disk_usage(raw).free < still_to_come(raw, sizes):
        raise no_room(raw, sizes)


def no_room(raw: Path, sizes: dict[str, int]) -> PipelineError:
    free = f"{shutil.disk_usage(raw).free / 1e6:,.0f} MB are free"
    need = f"{still_to_come(raw, sizes) / 1e6:,.0f} MB are still to come, "
    return PipelineError(
        f"The disk of {raw} is full: {need if sizes else ''}{free}. Make room and run "
        "it again; what has come is kept."
    )


def still_to_come(raw: Path, sizes: dict[str, int]) -> int:
    return sum(
        size - min(size, size_of(raw / f"{name}{PARTIAL}"))
        for name, size in sizes.items()
        if not find_file(raw, name.removesuffix(".zip"))
    )


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
