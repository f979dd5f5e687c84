"""Decode, crop and shrink: jpg bytes in, arrays out."""

from functools import lru_cache

import numpy as np
import simplejpeg

from pipeline.settings.declaring import RAW_SIZE

KINDS = {  # of other files, by their first bytes
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"PK": "a zip",
    b"<": "a web page",
}
COLOURS = ("YCbCr", "RGB")  # of a jpg that three colours can be read from


class BadImage(ValueError):
    """Bytes that are not a picture as the competition ships them."""


def decode(jpeg: bytes) -> np.ndarray:
    """Decodes one competition jpg.

    Returns:
        (424, 424, 3) uint8, red first.

    Raises:
        BadImage: not a jpg, cut short, not in colour or of another size.
    """
    if not jpeg.startswith(b"\xff\xd8"):
        raise BadImage(unlike_jpeg(jpeg))
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(jpeg)
        if (height, width) != (RAW_SIZE, RAW_SIZE):
            raise BadImage(f"{width} x {height} px instead of {RAW_SIZE} x {RAW_SIZE}")
        if colours not in COLOURS:
            found = "grey" if colours == "Gray" else colours
            raise BadImage(f"{found} instead of colour")
        return simplejpeg.decode_jpeg(jpeg, "RGB")
    except BadImage:
        raise
    except ValueError as error:
        reason = str(error).strip().rstrip(".").rpartition("(): ")[2]
        raise BadImage(f"is a damaged JPEG ({reason})") from None


def unlike_jpeg(content: bytes) -> str:
    """What bytes are that do not begin as a jpg does."""
    if not content:
        return "empty file"
    for start, kind in KINDS.items():
        if content.startswith(start):
            return f"is not a JPEG (it looks like {kind})"
    return "is not a JPEG"


def crop_center(image: np.ndarray, size: int) -> np.ndarray:
    """The central `size` x `size` pixels of (H, W, 3)."""
    top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
    return image[top : top + size, left : left + size]


@lru_cache(maxsize=8)
def area_weights(old: int, new: int) -> np.ndarray:
    """How much of each old pixel lies in each new one, along a side.

    Returns:
        (new, old) float32, each row summing to 1.
    """
    edges = np.linspace(0, old, new + 1)
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(
        edges[:-1, None], pixels
    )
    return (np.clip(overlap, 0, None) * (new / old)).astype(np.float32)


def shrink(image: np.ndarray, size: int) -> np.ndarray:
    """Area averaging: each new pixel is the mean of what it covers.

    The same result as scikit-image's `resize_local_mean`, at twice its speed.

    Args:
        image: (S, S, 3) uint8.
        size: pixels along a side of the result, at most S.

    Returns:
        (size, size, 3) uint8.
    """
    old = image.shape[0]
    if old == size:
        return image
    weights = area_weights(old, size)
    rows = weights @ image.reshape(old, old * 3).astype(np.float32)
    # the other axis to the front, so that one matrix product serves it too
    turned = rows.reshape(size, old, 3).transpose(1, 0, 2).reshape(old, size * 3)
    both = (weights @ turned).reshape(size, size, 3).transpose(1, 0, 2)
    return np.rint(both).astype(np.uint8)


def prepare(jpeg: bytes, crop_size: int, image_size: int) -> np.ndarray:
    """One jpg as the network sees it: (image_size, image_size, 3) uint8."""
    return shrink(crop_center(decode(jpeg), crop_size), image_size)
