"""A whole competition in miniature: 24 labelled galaxies, 6 to predict."""

import dataclasses
import functools
import zipfile
from pathlib import Path

import numpy as np
import simplejpeg

from pipeline.data.tables import write_fractions
from pipeline.data.tree import QUESTIONS, answer_slice, shares_to_fractions
from pipeline.runs.graph import Run
from pipeline.settings.schema import Settings, make_settings

TRAIN_IDS = np.arange(100_000, 100_024)
TEST_IDS = np.arange(200_000, 200_006)
SMALL = {  # seconds of work
    "preprocess.shard_size": 7,
    "preprocess.image_size": 16,
    "train.width": 4,
    "train.epochs": 2,
    "train.batch_size": 8,
    "train.validation_fraction": 0.3,
    # the same numbers on every processor
    "train.precision": "float32",
    "predict.precision": "float32",
}


@functools.cache
def blob(brightness: int) -> bytes:
    """A 424 px jpg: a bright square on a dark sky."""
    image = np.full((424, 424, 3), 10, np.uint8)
    image[150:274, 150:274] = brightness
    return simplejpeg.encode_jpeg(image, quality=95)


def some_fractions(num_galaxies: int, seed: int = 0) -> np.ndarray:
    """(N, 37) fractions that obey the tree."""
    rng = np.random.default_rng(seed)
    shares = np.zeros((num_galaxies, 37))
    for question in QUESTIONS:
        answers = len(question.answers)
        shares[:, answer_slice(question)] = rng.dirichlet(
            np.ones(answers), num_galaxies
        )
    return shares_to_fractions(shares)


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def zip_csv(path: Path, ids: np.ndarray, fractions: np.ndarray) -> None:
    table = path.with_suffix(".csv")
    write_fractions(table, ids, fractions)
    write_zip(path, {table.name: table.read_bytes()})
    table.unlink()


def make_competition(folder: Path) -> Path:
    folder.mkdir()
    for name, ids in (("training", TRAIN_IDS), ("test", TEST_IDS)):
        stem = f"images_{name}_rev1"
        jpegs = {f"{stem}/{galaxy}.jpg": blob(galaxy % 97 + 100) for galaxy in ids}
        junk = {"__MACOSX/._100000.jpg": b"junk", f"{stem}/Thumbs.db": b"junk"}
        write_zip(folder / f"{stem}.zip", jpegs | junk)
    zip_csv(folder / "training_solutions_rev1.zip", TRAIN_IDS, some_fractions(24))
    zip_csv(folder / "all_zeros_benchmark.zip", TEST_IDS, np.zeros((6, 37)))
    return folder


def spoil(path: Path, spoiled: dict[str, bytes]) -> None:
    """Rewrites a zip with other content for some of its members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | spoiled).items():
            archive.writestr(name, content)


def small_settings(
    folder: Path, submissions: Path, more: dict[str, object] | None = None
) -> Settings:
    settings = SMALL | {"export.folder": str(submissions)} | (more or {})
    return make_settings(str(folder), "tiny", settings)


def with_train(run: Run, **changes: object) -> Run:
    """The run with other settings of the training, in the same work directory."""
    train = dataclasses.replace(run.settings.train, **changes)
    return Run(dataclasses.replace(run.settings, train=train), run.work)
