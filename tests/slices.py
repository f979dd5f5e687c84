"""Competitions of some galaxies of another, and runs on them; for work by hand."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from pipeline.data.archives import file_reader, list_jpegs
from pipeline.data.splits import match_ids
from pipeline.data.tables import read_fractions
from pipeline.data.tree import NUM_ANSWERS
from pipeline.runs.paths import PROJECT, partial_folder
from pipeline.sources.demo import csv_lines, write_zipped_csv
from pipeline.sources.folder import FILES, find_files
from tests.full_size import write_members


def write_slice(
    source: Path, out: Path, train: np.ndarray, test: np.ndarray | None = None
) -> None:
    """Writes a competition that has some labelled galaxies of another.

    What is there already stays as it is.

    Args:
        source: a folder in Kaggle's layout.
        out: where the new one is to be.
        train: ids of the galaxies to learn from.
        test: of those to predict; None: the test set of `source`.
    """
    if out.exists():
        return
    files = find_files(source)
    partial = partial_folder(out)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    ids, fractions = read_fractions(files["solutions"])
    labels = fractions[match_ids(train, ids, source)]
    write_zipped_csv(partial, FILES["solutions"], csv_lines(train, labels))
    write_jpegs(files["train_images"], partial, "train_images", train)
    if test is None:
        for role in ("test_images", "sample"):
            shutil.copy(files[role], partial)
    else:
        zeros = np.zeros((len(test), NUM_ANSWERS))
        write_zipped_csv(partial, FILES["sample"], csv_lines(test, zeros))
        write_jpegs(files["train_images"], partial, "test_images", test)
    partial.rename(out)


def write_jpegs(images: Path, out: Path, role: str, ids: np.ndarray) -> None:
    read, names = file_reader(images), list_jpegs(images)
    pictures = ((galaxy, read(names[galaxy])) for galaxy in ids.tolist())
    write_members(out, role, pictures, len(ids))


def submission_of(
    source: Path, work: Path, submissions: Path, preset: str, settings: Iterable[str]
) -> Path:
    """The CSV of `all` with a preset and settings; what is made is not made again.

    Raises:
        subprocess.CalledProcessError: the command failed; it has said why.
    """
    own = ("report.make=false", f"export.folder={submissions.absolute()}", *settings)
    done = subprocess.run(
        [
            *("./run.sh", "all", "--source", source.absolute()),
            *("--work", work.absolute(), "--preset", preset),
            *(f"--set={setting}" for setting in own),
        ],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(done.stdout.splitlines()[-1])


def by_hand(main: Callable[[], None]) -> None:
    """Runs a script; where a command of it fails, which has said why, so does it."""
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
