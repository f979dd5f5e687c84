"""Chunks of pictures read and scaled, in processes that load no Keras."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.catalogues.pictures import LARGEST, as_seen, read_picture, side_seen
from pipeline.data.archives import file_reader
from pipeline.data.images import BadImage
from pipeline.settings.schema import PreprocessConfig


@dataclass(frozen=True)
class PictureTask:
    """A chunk to read: which pictures, from which folder or zip."""

    chunk: int
    place: Path
    names: tuple[str, ...]
    config: PreprocessConfig


class Seen(NamedTuple):
    """The pictures of a chunk as the networks see them; black where unreadable.

    Attributes:
        images: (n, S, S, 3) uint8.
        side: (n,) int32, pixels of the picture along the side of the crop.
        trouble: (n,) text, why one cannot be read, or empty.
    """

    chunk: int
    images: np.ndarray
    side: np.ndarray
    trouble: np.ndarray


def read_chunk(task: PictureTask) -> Seen:
    """Reads, crops and scales the pictures of a chunk."""
    read, size = file_reader(task.place, LARGEST), task.config.image_size
    images = np.zeros((len(task.names), size, size, 3), np.uint8)
    side, trouble = np.zeros(len(task.names), np.int32), []
    for row, name in enumerate(task.names):
        try:
            picture = read_picture(read(name))
            images[row] = as_seen(picture, task.config.crop_size, size)
            side[row] = side_seen(picture.shape, task.config.crop_size)
            trouble.append("")
        except BadImage as error:
            trouble.append(str(error))
        except KeyError:
            trouble.append("is not there")
    return Seen(task.chunk, images, side, np.array(trouble))
