"""Uploads a submission to Kaggle, waits for its score, and notes it."""

import argparse
import contextlib
import datetime
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.data.csv_files import refuse_large
from pipeline.data.submission import check_submission
from pipeline.errors import PipelineError, remedy
from pipeline.files import file_digest, locked
from pipeline.kaggle.client import Kaggle, connect, persistent
from pipeline.kaggle.failures import PAGE, KaggleTrouble
from pipeline.kaggle.ledger import read_ledger, update_ledger
from pipeline.kaggle.standings import place_2014, score_of
from pipeline.kaggle.way import asks_stand_in
from pipeline.output import visible
from pipeline.runs.contents import exported_csv
from pipeline.runs.graph import Run
from pipeline.runs.resolve import Resolved

EXAMPLE = './run.sh upload --message "twice the width" --source kaggle'
WAIT_SECONDS = 600.0  # for the verdict, unless told otherwise
# in the ledger before Kaggle answers, where a crash leaves it, and where it does not
UPLOADING, FAILED = "UPLOADING", "FAILED"
PENDING = "PENDING"  # Kaggle's own word

log = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="default: the work directory's"
    )
    parser.add_argument(
        "--message", metavar="TEXT", default="", help="goes with it on Kaggle"
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=seconds,
        nargs="?",
        const=WAIT_SECONDS,
        default=WAIT_SECONDS,
        help="for the verdict (default 600); 0: do not wait",
    )
    parser.add_argument(
        "--force", action="store_true", help="though it was uploaded already"
    )


def seconds(text: str) -> float:
    """The argument of --wait."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'takes seconds, not "{text}"; a FILE goes before it'
        ) from None


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    file = Path(options.file) if options.file else None
    run = resolved.run
    answer = upload(run, file, options.message, options.wait, options.force)
    return visible(answer)


@dataclass(frozen=True)
class Submission:
    """A CSV that may be uploaded.

    Attributes:
        copy: what was checked and is sent, whatever becomes of the file meanwhile.
        digest: the sha256 of its bytes; its first digits travel in the description,
            so that Kaggle's own list tells what was uploaded, from wherever.
        ledger: the file that keeps its scores.
        work: the work directory that the command was given.
    """

    path: Path
    copy: Path
    digest: str
    ledger: Path
    work: Path

    @property
    def key(self) -> dict[str, str]:
        return {"file": self.path.name, "sha256": self.digest}

    @property
    def row(self) -> dict[str, str]:
        """Its newest line in the ledger; just its name and digest if it has none."""
        for row in reversed(read_ledger(self.ledger)):
            if row["sha256"] == self.digest:
                return row | self.key
        return dict.fromkeys(("status", "reference", "source"), "") | self.key


def upload(
    run: Run,
    file: Path | None = None,
    message: str = "",
    wait: float = WAIT_SECONDS,
    force: bool = False,
) -> str:
    """Uploads a submission, waits for its verdict, and keeps both in the ledger.

    Reads   submissions/<name>.csv, raw/ (sample submission), Kaggle's own list
    Writes  submissions/ledger.csv    reference, status, public and private score

    Args:
        run: whose submission it is.
        file: another file than that.
        message: goes with it; the file's name if empty.
        wait: seconds to wait for the verdict; 0 returns at once.
        force: upload it though it has been already.

    Returns:
        The verdict in a line.

    Raises:
        PipelineError: it must not or cannot be uploaded, or Kaggle rejects it.
    """
    if not wait >= 0:
        raise PipelineError(f"--wait takes a number of seconds. Got {wait}.")
    folder = run.submissions
    path = (file or exported_csv(run)).absolute()
    with (
        private_copy(path) as copy,
        locked(folder.upload_lock, f"The upload from {folder.root}"),
    ):
        check_copy(copy, path, run)
        digest = file_digest(copy)
        submission = Submission(path, copy, digest, folder.ledger, run.work.root)
        warn_of_change(submission)
        refuse_demo(submission, run, file is None)
        kaggle = connect(run.settings.kaggle)
        send_unless_sent(kaggle, submission, message or path.stem, force)
        return verdict(kaggle, submission, wait)


def send_unless_sent(
    kaggle: Kaggle, submission: Submission, message: str, force: bool
) -> None:
    """Uploads it, unless Kaggle has it; an upload that was begun is finished.

    Raises:
        PipelineError: it was uploaded and has its verdict, or nothing may be uploaded.
    """
    before = submission.row["status"]
    known = reconcile(kaggle, submission)
    row = submission.row
    if row["reference"] and not force:
        if row["status"] != PENDING and before not in (UPLOADING, FAILED, PENDING):
            raise PipelineError(already(submission))
        log.info("Kaggle has it already; it is not uploaded again")
        return
    if before == UPLOADING and not row["reference"]:
        log.warning(
            "An earlier upload of it was interrupted, and Kaggle does not list it."
        )
    check_limits(kaggle)
    send(kaggle, submission, message, known)


@contextlib.contextmanager
def private_copy(path: Path) -> Iterator[Path]:
    """The file as it is now, by its own name, where nobody else writes."""
    if path.is_dir():
        raise PipelineError(f"{path} is a folder. Name the CSV to upload.")
    if not path.is_file():
        raise PipelineError(f"{path} does not exist.")
    refuse_large(path.stat().st_size, path)
    with tempfile.TemporaryDirectory(prefix="galaxy-zoo-upload-") as folder:
        yield Path(shutil.copyfile(path, Path(folder, path.name)))


def check_copy(copy: Path, path: Path, run: Run) -> None:
    """Checks the copy; what is wrong is told of the file."""
    try:
        check_submission(copy, run.raw.find("sample"))
    except PipelineError as error:
        raise PipelineError(str(error).replace(str(copy), str(path))) from None


def warn_of_change(submission: Submission) -> None:
    """Says that a file is not what was exported by its name."""
    rows = read_ledger(submission.ledger)
    digests = {row["sha256"] for row in rows if row["file"] == submission.path.name}
    if digests and submission.digest not in digests:
        log.warning(
            "%s was changed since its export: these are not a run's predictions",
            submission.path,
        )


def refuse_demo(submission: Submission, run: Run, is_default: bool) -> None:
    if asks_stand_in():
        log.info("a stand-in for Kaggle on this machine is asked, not Kaggle")
        return
    source = submission.row["source"]
    if source == "demo" or (is_default and run.settings.source == "demo"):
        raise PipelineError(
            f"{submission.path} is of the DEMO SKY: Kaggle knows none of its galaxies. "
            'Run "./run.sh all --source kaggle" for one that counts.'
        )


def reconcile(kaggle: Kaggle, submission: Submission) -> set[int]:
    """Brings the ledger up to Kaggle's own list, wherever the uploads came from.

    Returns:
        The references of all submissions in that list.
    """
    listed = kaggle.submissions()
    rows = [row for row in read_ledger(submission.ledger) if row["sha256"]]
    rows.append(submission.row)
    changes = []
    for entry in reversed(listed):  # oldest first, as the ledger has them
        row = next((row for row in rows if is_entry_of(entry, row)), None)
        if row is not None:
            key = {"file": row["file"], "sha256": row["sha256"]}
            changes.append(key | described(entry))
    update_ledger(submission.ledger, changes)
    return {entry.ref for entry in listed}


def is_entry_of(entry: Any, row: dict[str, str]) -> bool:
    """Whether a line of Kaggle's list is an upload of a submission.

    Without a digest in its description it came by another way, and its name decides.
    """
    if mark(row["sha256"]) in (entry.description or ""):
        return True
    if "[sha " in (entry.description or ""):
        return False
    return str(entry.ref) == row["reference"] or entry.file_name == row["file"]


def mark(digest: str) -> str:
    return f"[sha {digest[:12]}]"


def described(entry: Any) -> dict[str, str]:
    """What the ledger keeps of a line of Kaggle's list."""
    uploaded = entry.date.isoformat(timespec="seconds") + "Z" if entry.date else ""
    return {
        "reference": str(entry.ref),
        "status": entry.status.name,
        "public_score": entry.public_score or "",
        "private_score": entry.private_score or "",
        "uploaded": uploaded,
        "message": entry.error_description or entry.description or "",
    }


def already(submission: Submission) -> str:
    row = submission.row
    if row["status"] == "ERROR":
        outcome = f"Kaggle's verdict was ERROR ({row['message']})"
    else:
        outcome = scores(row)
    return (
        f"{submission.path.name} is uploaded already, as reference {row['reference']}: "
        f"{outcome}. --force uploads it again."
    )


def scores(row: dict[str, str]) -> str:
    public, private = (row[f"{board}_score"] for board in ("public", "private"))
    return f"public {public or '?'}, private {private or '?'}"


def check_limits(kaggle: Kaggle) -> None:
    """Says how many uploads are left today; refuses where there are none."""
    limits = kaggle.limits()
    if limits is None:
        log.info("Kaggle does not say how many uploads are left today")
        return
    now = datetime.datetime.now(datetime.UTC)
    if limits.num_allowed_now <= 0 and not limits.limited_by_total:
        midnight = (now + datetime.timedelta(days=1)).replace(hour=0, minute=0)
        hours = (midnight - now).total_seconds() / 3600
        raise PipelineError(
            f"No uploads are left today: Kaggle counts {limits.num_today}. The next "
            f"day begins at 00:00 UTC, in {hours:.1f} hours."
        )
    if limits.num_allowed_now <= 0:
        raise PipelineError(
            f"No uploads are left: the team has made all {limits.num_total} it may."
        )
    log.info(
        "Kaggle: uploads today: %d; left: %d, this one included",
        limits.num_today,
        limits.num_allowed_now,
    )


def send(kaggle: Kaggle, submission: Submission, message: str, known: set[int]) -> None:
    """Uploads the file; tries again only while Kaggle has surely not accepted it.

    Args:
        kaggle: the client.
        submission: the file.
        message: goes with it.
        known: references of earlier submissions.
    """
    text = f"{message} {mark(submission.digest)}"
    begun = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    note = {"message": text, "uploaded": begun, "status": UPLOADING}
    note |= dict.fromkeys(("reference", "public_score", "private_score"), "")
    update_ledger(submission.ledger, [submission.key | note])
    try:
        reference = persistent(
            lambda: send_once(kaggle, submission, text), kaggle.patience
        )
    except KaggleTrouble as trouble:
        # an answer may be lost after the file was accepted: only the list tells
        if found_again(kaggle, submission, known):
            return
        update_ledger(submission.ledger, [submission.key | {"status": FAILED}])
        raise PipelineError(f"The upload failed. {trouble}") from None
    done = {"reference": str(reference), "status": PENDING}
    update_ledger(submission.ledger, [submission.key | done])


def send_once(kaggle: Kaggle, submission: Submission, text: str) -> int:
    """Uploads the file; its reference.

    Raises:
        KaggleTrouble: it failed; `again` where another try cannot upload it twice.
    """
    log.info("uploading %s", submission.path)
    try:
        reference, words = kaggle.submit(submission.copy, text)
    except KaggleTrouble as trouble:
        trouble.again = False
        raise
    if not reference:  # the file did not even reach the storage
        raise KaggleTrouble(
            f"{words.rstrip('.')}: the storage did not take the file.", again=True
        )
    log.info("uploaded as reference %d: %s", reference, words)
    return reference


def found_again(kaggle: Kaggle, submission: Submission, known: set[int]) -> bool:
    """Whether Kaggle lists the upload whose answer was lost; then the ledger has it."""
    try:
        listed = kaggle.submissions(pages=1)
    except KaggleTrouble:
        return False
    for entry in listed:
        fresh = entry.ref not in known
        if fresh and mark(submission.digest) in (entry.description or ""):
            log.warning("The answer to the upload was lost, but Kaggle lists it.")
            update_ledger(submission.ledger, [submission.key | described(entry)])
            return True
    return False


def verdict(kaggle: Kaggle, submission: Submission, wait: float) -> str:
    """Waits until Kaggle has scored it.

    Raises:
        PipelineError: it scored it as an ERROR.
    """
    ends = time.monotonic() + wait
    reference = submission.row["reference"]
    name = f"{submission.path.name}, reference {reference}"
    while submission.row["status"] == PENDING:
        left = ends - time.monotonic()
        if left <= 0:
            command = remedy("upload", submission.work, str(submission.path))
            return (
                f"{name}: still PENDING. {command} asks for the verdict again; "
                f"{PAGE}/submissions shows it too."
            )
        time.sleep(min(kaggle.patience.poll_interval, left))
        try:
            listed = kaggle.submissions(pages=1)
        except KaggleTrouble as trouble:
            raise PipelineError(
                f"{name}, is uploaded, but its verdict could not be read. {trouble}"
            ) from None
        for entry in listed:
            if str(entry.ref) == reference:
                change = submission.key | described(entry)
                update_ledger(submission.ledger, [change])
    row = submission.row
    if row["status"] == "ERROR":
        reason = row["message"].rstrip(".") or "it gives no reason"
        raise PipelineError(f"{name}: Kaggle's verdict is ERROR: {reason}.")
    place = ""
    if (private := score_of(row["private_score"])) is not None:
        place = f", in 2014: {place_2014(private)}"
    return f"{name}: {row['status']}, {scores(row)}{place}"
