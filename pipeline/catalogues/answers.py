"""What networks say of a chunk of a catalogue, and where that lies until all is there.

Each chunk is a file of its own beside the table to come, so that an interrupted run
continues, and several machines can share the work.
"""

import contextlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.catalogues.listing import Listing
from pipeline.data.tree import NUM_ANSWERS
from pipeline.errors import PipelineError
from pipeline.files import PARTIAL, atomic, locked, read_json, write_json

CHUNK = 512  # pictures


class Answers(NamedTuple):
    """What is known of some pictures, (n,) each.

    Attributes:
        fractions: (n, 37) float32, the mean over networks and views; not a number
            where a picture cannot be read.
        spread: (n, 37) float32, their standard deviation.
        brightness: float32, the mean pixel of what the networks saw.
        side: int32, how many pixels of the picture that had along a side.
        trouble: text, why it cannot be read; empty where it can.
        features: (n, F) float16, F = 0 where they are not asked for.
    """

    fractions: np.ndarray
    spread: np.ndarray
    brightness: np.ndarray
    side: np.ndarray
    trouble: np.ndarray
    features: np.ndarray

    @property
    def readable(self) -> np.ndarray:
        return self.trouble == ""


@dataclass(frozen=True)
class Store:
    """The chunks of a catalogue that are answered.

    Attributes:
        out: the table to come.
        listing: the catalogue.
        recipe: what its answers follow from.
    """

    out: Path
    listing: Listing
    recipe: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        return self.out.with_name(f"{self.out.name}{PARTIAL}")

    @property
    def recipe_file(self) -> Path:
        return self.folder / "recipe.json"

    @property
    def num_chunks(self) -> int:
        return -(-len(self.listing.ids) // CHUNK)

    def rows(self, chunk: int) -> slice:
        return slice(chunk * CHUNK, min((chunk + 1) * CHUNK, len(self.listing.ids)))

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def opening_lock(self) -> Path:
        """Held for moments, by those who begin parts at the same time."""
        return self.folder / ".opening.lock"

    def file(self, chunk: int) -> Path:
        return self.folder / f"{chunk:06}.npz"

    def open(self) -> None:
        """Makes the folder, or sees that it is of the same recipe.

        Raises:
            PipelineError: it is of another one, or not ours.
        """
        self.make_folder()
        if self.found_recipe() is None and self.holds_other():
            raise PipelineError(
                f"{self.folder} is not of this pipeline's making. Move it away, or "
                "name another --out."
            )
        with locked(self.opening_lock, str(self.folder), wait=True):
            found = self.found_recipe()
            if found is None:
                write_json(self.recipe_file, dict(self.recipe))
            elif found != self.recipe:
                keys = [
                    key for key in self.recipe if found.get(key) != self.recipe[key]
                ]
                raise PipelineError(
                    f"{self.folder} holds answers by other {', '.join(keys)}. Remove "
                    "it, or name another --out."
                )

    def make_folder(self) -> None:
        """Makes the folder where it is not there.

        Raises:
            PipelineError: it cannot be, or is a link or a file.
        """
        trouble = "is a link" if self.folder.is_symlink() else None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            trouble = trouble or "is a file"
        except OSError as error:
            trouble = f"cannot be made ({error.strerror})"
        if trouble:
            raise PipelineError(f"{self.folder} {trouble}. Name another --out.")

    def holds_other(self) -> bool:
        """Whether there is more than what another part begins with."""
        first = self.opening_lock.name, f"{self.recipe_file.stem}{PARTIAL}.json"
        return any(path.name not in first for path in self.folder.iterdir())

    def found_recipe(self) -> dict[str, Any] | None:
        found = read_json(self.recipe_file)
        return found if isinstance(found, dict) else None

    def missing(self) -> list[int]:
        """The chunks that are not answered yet."""
        return [chunk for chunk in range(self.num_chunks) if self.load(chunk) is None]

    def save(self, chunk: int, answers: Answers) -> None:
        with atomic(self.file(chunk)) as partial:
            np.savez(partial, **answers._asdict())

    def load(self, chunk: int) -> Answers | None:
        """The answers of a chunk; None where they are not there, or damaged."""
        rows = self.rows(chunk)
        number = rows.stop - rows.start
        try:
            with np.load(self.file(chunk), allow_pickle=False) as arrays:
                found = Answers(*(arrays[name] for name in Answers._fields))
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        shapes = [part.shape for part in found]
        wanted = [(number, NUM_ANSWERS)] * 2 + [(number,)] * 3
        return (
            found if shapes[:-1] == wanted and len(found.features) == number else None
        )

    def all(self) -> Iterator[tuple[slice, Answers]]:
        """Each chunk with its rows, in the order of the catalogue."""
        for chunk in range(self.num_chunks):
            yield self.rows(chunk), self.load(chunk)

    def remove(self) -> None:
        """Takes away what was made on the way; what somebody put there stays."""
        beside = self.recipe_file, self.lock, self.opening_lock
        for file in (*map(self.file, range(self.num_chunks)), *beside):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it is not empty
            self.folder.rmdir()


def described(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as it is read again."""
    return json.loads(json.dumps(dict(recipe)))
