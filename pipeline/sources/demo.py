"""The files Kaggle ships, made for a sky that is rendered here."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg

from pipeline.data.tree import HEADER, NUM_ANSWERS
from pipeline.files import atomic
from pipeline.parallel import map_parallel
from pipeline.sky.population import draw_galaxy
from pipeline.sky.render import render
from pipeline.sky.votes import simulate_votes, vote_shares

FIRST_ID, LAST_ID = 100_008, 999_967
CHUNK_SIZE = 50  # galaxies in one task
JPEG_QUALITY = 75  # with halved colours, the very encoding of the competition's files
CLOSING_DAY = (2014, 4, 4, 0, 0, 0)  # in every zip, so that equal skies are equal bytes


class Chunk(NamedTuple):
    """Galaxies that are rendered together."""

    ids: tuple[int, ...]
    seed: int
    volunteers: int


class Rendered(NamedTuple):
    """What a chunk became."""

    ids: tuple[int, ...]
    jpegs: list[bytes]
    fractions: np.ndarray  # (n, 37)


def make_demo(
    folder: Path, num_train: int, num_test: int, seed: int, num_volunteers: int
) -> Path:
    """Writes a competition in the layout of the real one.

    The same numbers give the same bytes, on however many cores.

    Writes  images_training_rev1.zip, images_test_rev1.zip    jpgs, 424 px
            training_solutions_rev1.zip                       the training labels
            all_zeros_benchmark.zip                           the sample submission
            test_solutions.csv                                the test labels

    Returns:
        The path of the test labels, which Kaggle keeps for itself.
    """
    train_ids, test_ids = draw_ids(num_train, num_test, seed)
    train = render_images(
        folder, "images_training_rev1", train_ids, seed, num_volunteers
    )
    write_zipped_csv(folder, "training_solutions_rev1", csv_lines(train_ids, train))
    test = render_images(folder, "images_test_rev1", test_ids, seed, num_volunteers)
    zeros = np.zeros_like(test)
    write_zipped_csv(folder, "all_zeros_benchmark", csv_lines(test_ids, zeros))
    truth = folder / "test_solutions.csv"
    with atomic(truth) as partial:
        partial.write_bytes("".join(csv_lines(test_ids, test)).encode())
    return truth


def draw_ids(num_train: int, num_test: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Six-digit galaxy ids, train and test mixed: two ascending int64 arrays."""
    rng = np.random.default_rng(seed)
    every = np.arange(FIRST_ID, LAST_ID + 1)
    ids = rng.choice(every, num_train + num_test, replace=False)
    return np.sort(ids[:num_train]), np.sort(ids[num_train:])


def render_images(
    folder: Path, name: str, ids: np.ndarray, seed: int, volunteers: int
) -> np.ndarray:
    """Writes a zip of jpgs, one galaxy after the other.

    Args:
        folder: where `<name>.zip` is to be.
        name: of the zip and of the folder in it.
        ids: (N,) int64.
        seed: of the whole sky.
        volunteers: how many look at each galaxy.

    Returns:
        (N, 37) float64, the galaxies' labels.
    """
    fractions = []
    with (
        atomic(folder / f"{name}.zip") as partial,
        zipfile.ZipFile(partial, "w") as out,
    ):
        for chunk in render_chunks(name, ids, seed, volunteers):
            for galaxy, jpeg in zip(chunk.ids, chunk.jpegs, strict=True):
                add_member(out, f"{name}/{galaxy}.jpg", jpeg, zipfile.ZIP_STORED)
            fractions.append(chunk.fractions)
    return np.concatenate([np.empty((0, NUM_ANSWERS)), *fractions])


def render_chunks(
    name: str, ids: np.ndarray, seed: int, volunteers: int
) -> Iterator[Rendered]:
    """Renders on all cores; yields in the order of the ids."""
    starts = range(0, len(ids), CHUNK_SIZE)
    chunks = [
        Chunk(tuple(ids[start : start + CHUNK_SIZE].tolist()), seed, volunteers)
        for start in starts
    ]
    sizes = [len(chunk.ids) for chunk in chunks]
    return map_parallel(render_chunk, chunks, f"rendering {name}", sizes)


def render_chunk(chunk: Chunk) -> Rendered:
    """Makes the galaxies of a chunk; runs in a worker process."""
    pairs = [make_galaxy(galaxy, chunk.seed, chunk.volunteers) for galaxy in chunk.ids]
    jpegs, fractions = zip(*pairs, strict=True)
    return Rendered(chunk.ids, list(jpegs), np.stack(fractions))


def make_galaxy(galaxy_id: int, seed: int, volunteers: int) -> tuple[bytes, np.ndarray]:
    """One galaxy's jpg and its label (37,), by its id and the seed alone."""
    rng = np.random.default_rng((seed, galaxy_id))
    galaxy = draw_galaxy(rng)
    fractions = simulate_votes(vote_shares(galaxy), volunteers, rng)
    image = render(galaxy, rng)
    jpeg = simplejpeg.encode_jpeg(
        image, quality=JPEG_QUALITY, colorspace="RGB", colorsubsampling="420"
    )
    return jpeg, fractions


def csv_lines(ids: np.ndarray, fractions: np.ndarray) -> Iterator[str]:
    """The competition's CSV, with the line ends of the official files."""
    yield ",".join(HEADER) + "\r\n"
    for galaxy, row in zip(ids, fractions, strict=True):
        yield ",".join([str(galaxy), *map(number, row)]) + "\r\n"


def number(value: float) -> str:
    """Up to nine decimals; 0 and 1 stand bare."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def write_zipped_csv(folder: Path, name: str, lines: Iterable[str]) -> None:
    """Writes `<name>.zip` with `<name>.csv` in it."""
    content = "".join(lines).encode()
    with (
        atomic(folder / f"{name}.zip") as partial,
        zipfile.ZipFile(partial, "w") as out,
    ):
        add_member(out, f"{name}.csv", content, zipfile.ZIP_DEFLATED)


def add_member(
    archive: zipfile.ZipFile, name: str, content: bytes, compression: int
) -> None:
    member = zipfile.ZipInfo(name, CLOSING_DAY)
    member.external_attr = 0o644 << 16  # readable once unpacked
    member.create_system = 3  # whatever system this runs on
    archive.writestr(member, content, compression)
