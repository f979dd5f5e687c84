"""Pictures of galaxies for people: the originals, tiled, outlined and as jpgs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg
from skimage.transform import resize
from skimage.util import montage

from pipeline.data.archives import file_reader, list_jpegs
from pipeline.data.images import BadImage, crop_center, decode
from pipeline.data.splits import match_ids
from pipeline.errors import PipelineError
from pipeline.runs.contents import open_shards
from pipeline.runs.graph import Run
from pipeline.runs.paths import Split
from pipeline.settings.declaring import RAW_SIZE

OUTLINE = (255, 196, 0)


class Pictures(NamedTuple):
    """Galaxies to be shown.

    Attributes:
        by_id: (424, 424, 3) uint8 each.
        original: whether they are as the competition ships them.
    """

    by_id: dict[int, np.ndarray]
    original: bool


def load_pictures(run: Run, split: Split, ids: Sequence[int]) -> Pictures:
    """The originals; the shards' images in their place where these are not at hand."""
    source = run.raw.find(f"{split}_images")
    if source:
        images = load_originals(source, ids)
    else:
        shards = open_shards(run.shards(split))
        rows = match_ids(np.asarray(ids), shards.ids, run.shards(split).folder)
        size = run.settings.preprocess.crop_size
        images = [in_place(image, size) for image in shards.gather(rows)]
    by_id = dict(zip(map(int, ids), images, strict=True))
    return Pictures(by_id, source is not None)


def in_place(image: np.ndarray, crop_size: int) -> np.ndarray:
    """A shard's image (S, S, 3) where its crop was in the original, on black."""
    crop = resize(image, (crop_size, crop_size), order=0, preserve_range=True)
    whole = np.zeros((RAW_SIZE, RAW_SIZE, 3), np.uint8)
    crop_center(whole, crop_size)[:] = crop
    return whole


def load_originals(source: Path, ids: Sequence[int]) -> Iterator[np.ndarray]:
    """The galaxies as the competition ships them, each (424, 424, 3) uint8, in order.

    Args:
        source: the zip or folder of jpgs.
        ids: which of them.

    Raises:
        PipelineError: one of them is not there, or unreadable.
    """
    members, read = list_jpegs(source), file_reader(source)
    missing = [galaxy for galaxy in ids if int(galaxy) not in members]
    if missing:
        raise PipelineError(f"{source} holds no {missing[0]}.jpg. Is it complete?")
    for galaxy in ids:
        try:
            yield decode(read(members[int(galaxy)]))
        except BadImage as error:
            raise PipelineError(
                f"{source} holds an unreadable image, {galaxy}.jpg: {error}."
            ) from None


def as_jpeg(image: np.ndarray) -> bytes:
    return simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=88)


def enlarge(image: np.ndarray, least: int) -> np.ndarray:
    """Every pixel as a square, so that a side has about `least` pixels."""
    side = image.shape[0] * max(1, round(least / image.shape[0]))
    enlarged = resize(image, (side, side), order=0, preserve_range=True)
    return enlarged.astype(np.uint8)


def outline(image: np.ndarray, size: int, width: int = 3) -> np.ndarray:
    """A square line around the central `size` pixels of (H, H, 3)."""
    first = (image.shape[0] - size) // 2
    last = first + size
    drawn = image.copy()
    outer = slice(max(0, first - width), last + width)
    drawn[outer, outer] = OUTLINE
    inner = slice(first, last)
    drawn[inner, inner] = image[inner, inner]
    return drawn


def tile(images: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Images (S, S, 3) row by row on black: one array."""
    rows = -(-len(images) // columns)
    sheet = montage(
        np.stack(images),
        fill=(0, 0, 0),
        grid_shape=(rows, columns),
        padding_width=gap,
        channel_axis=-1,
    )
    return sheet[gap:-gap, gap:-gap]  # the gap is between the images, not around them
