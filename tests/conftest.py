"""A whole competition in miniature: 24 labelled galaxies, 6 to predict."""

import functools
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from pipeline.config import Config, make_config
from pipeline.fractions import write_fractions
from pipeline.tree import QUESTIONS, answer_slice, shares_to_fractions
from pipeline.workdir import WorkDir
from tests.finished_run import Run, finished  # noqa: F401
from tests.kaggle_shell import shell, stand_in  # noqa: F401

TRAIN_IDS = np.arange(100_000, 100_024)
TEST_IDS = np.arange(200_000, 200_006)
SMALL = {  # seconds of work
    "preprocess.shard_size": 7,
    "preprocess.image_size": 16,
    "train.width": 4,
    "train.epochs": 2,
    "train.batch_size": 8,
    "train.validation_fraction": 0.3,
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The competition's files as Kaggle ships them."""
    return make_competition(tmp_path / "competition")


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


@pytest.fixture
def config(folder: Path, tmp_path: Path) -> Config:
    return small_config(folder, tmp_path / "submissions")


def small_config(
    folder: Path, submissions: Path, more: dict[str, object] | None = None
) -> Config:
    settings = SMALL | {"export.folder": str(submissions)} | (more or {})
    return make_config(str(folder), "tiny", settings)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that lacks the training; to be copied by who goes on with it."""
    from pipeline.download import download
    from pipeline.preprocess import preprocess

    place = tmp_path_factory.mktemp("prepared")
    folder = make_competition(place / "competition")
    run = Run(small_config(folder, place / "submissions"), WorkDir(place / "work"))
    download(*run)
    preprocess(*run)
    return run


@pytest.fixture
def ready(prepared: Run, tmp_path: Path) -> Run:
    """A copy of a run that lacks the training, with submissions of its own."""
    work = WorkDir(shutil.copytree(prepared.work.root, tmp_path / "ready"))
    folder = Path(prepared.config.source)
    return Run(small_config(folder, tmp_path / "submissions"), work)


@pytest.fixture
def work(tmp_path: Path) -> WorkDir:
    return WorkDir(tmp_path / "work")


@pytest.fixture
def eager() -> Iterator[None]:
    """Computes step by step: to trace a training takes longer than its few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
