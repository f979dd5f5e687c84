"""Whether a folder is ours to work in, and apart from what is the user's."""

import os
import re
from fnmatch import fnmatch
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.files import inside, read_json, refuse_link, write_json
from pipeline.runs.graph import Run
from pipeline.runs.paths import ARTIFACTS, WorkDir
from pipeline.sources.folder import is_competition_file

FORMAT = 2  # of a work directory, raised when an older one cannot be read any more
# another command may be about to claim the folder
CLAIM = re.compile(r"galaxy-zoo\.\d+(\.partial)?\.json")
HARMLESS = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "lost+found"}


def check_work(work: WorkDir) -> None:
    """Refuses a folder that is neither ours nor free to become so.

    Free is what is not there, empty, or holds just raw/ with competition files.
    """
    root = work.root
    if root.is_symlink() and not root.exists():
        raise PipelineError(f"--work takes a folder. {root} is a link to nothing.")
    if not root.exists():
        return
    if not root.is_dir():
        raise PipelineError(f"--work takes a folder. {root} is a file.")
    for path in sorted(root.iterdir()):
        refuse_link(path)
    if is_ours(work):
        return
    if (root / "settings.json").exists() and (root / "raw").exists():
        raise PipelineError(
            f"{root} was made by an older version. Reuse its download with "
            f"--source {root / 'raw'} and another --work folder."
        )
    for path in sorted(root.iterdir()):
        if path.name in HARMLESS or CLAIM.fullmatch(path.name):
            continue
        if path == work.raw:
            other = foreign_file(path)
            if other is None:
                continue
            path = other
        raise PipelineError(
            f"{root} is not a work directory: {path.relative_to(root)} is in it. Give "
            "--work a new folder, an empty one, or one that holds just raw/ with the "
            "competition's files."
        )


def is_ours(work: WorkDir) -> bool:
    """Whether the folder carries our marker.

    Raises:
        PipelineError: it does, but of another version.
    """
    marker = read_json(work.marker)
    if not isinstance(marker, dict) or "format" not in marker:
        return False
    if marker["format"] != FORMAT:
        raise PipelineError(
            f"{work.root} has format {marker['format']}; this version reads {FORMAT}. "
            "Give another --work folder."
        )
    return True


def foreign_file(folder: Path) -> Path | None:
    """What in a folder does not belong to the competition; a link or a file itself."""
    if folder.is_symlink() or not folder.is_dir():
        return folder
    known = (is_competition_file, HARMLESS.__contains__)
    others = (
        path
        for path in folder.iterdir()
        if not any(is_ok(path.name) for is_ok in known)
    )
    return min(others, default=None)


def claim(run: Run) -> None:
    """Marks the work directory as ours, before anything else is written.

    Raises:
        PipelineError: it is not ours to claim, or not apart from the source.
    """
    work = run.work
    check_work(work)
    check_apart(run)
    if not is_ours(work):
        work.root.mkdir(parents=True, exist_ok=True)
        # a name of its own, since two commands may claim the folder at a time
        own = work.marker.with_name(f"{work.marker.stem}.{os.getpid()}.json")
        write_json(own, {"made by": "galaxy-zoo-pipeline", "format": FORMAT})
        own.replace(work.marker)


def refuse_submissions_in_artifacts(run: Run) -> None:
    """Refuses to write a submission where a folder is made anew as a whole."""
    folder, root = run.submissions.root.resolve(), run.work.root.resolve()
    if not folder.is_relative_to(root):
        return
    first = "/".join(folder.relative_to(root).parts[:1])
    if any(fnmatch(first, pattern.partition("/")[0]) for pattern in ARTIFACTS):
        raise PipelineError(
            f"export.folder={folder} lies in {root / first}, which holds what stages "
            f"make. Name another: --set export.folder={root / 'submissions'}."
        )


def check_apart(run: Run) -> None:
    """Refuses a source that is where a run would write, or around it."""
    refuse_submissions_in_artifacts(run)
    source = run.settings.source
    if source in ("demo", "kaggle"):
        return
    folder, other = Path(source), Path(source).parent / f"{Path(source).name}-work"
    for written in (run.work.root, run.submissions.root):
        if inside(folder, written) or inside(written, folder):
            option = "--work"
            if written == run.submissions.root:
                option, other = "--set export.folder=", other / "submissions"
            joint = "" if option.endswith("=") else " "
            raise PipelineError(
                f"The source {folder} and {written}, where a run would write, must "
                f"not lie in one another. Use {option}{joint}{other}."
            )
