"""A picture of any kind and size, as a network sees the competition's."""

import io
import warnings

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from pipeline.data.images import COLOURS, BadImage, crop_center, shrink, unlike_jpeg
from pipeline.settings.declaring import RAW_SIZE

JPEG, PNG, ARRAY = b"\xff\xd8", b"\x89PNG", b"\x93NUMPY"  # their first bytes
ENDINGS = (".jpg", ".jpeg", ".png", ".npy")
LARGEST = 200_000_000  # bytes of a file
MOST_PIXELS = 10_000**2
# what Pillow and numpy raise over damaged bytes
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, MemoryError, OverflowError),
    *(UnidentifiedImageError, Image.DecompressionBombError),
)


def read_picture(content: bytes) -> np.ndarray:
    """Decodes a JPEG, a PNG or a saved array by what its bytes are, not by its name.

    Grey becomes colour, and what is transparent counts as what it would show.

    Returns:
        (H, W, 3) uint8, red first.

    Raises:
        BadImage: it is none of these, damaged, or too large.
    """
    if content.startswith(JPEG):
        return read_jpeg(content)
    if content.startswith(PNG):
        return read_png(content)
    if content.startswith(ARRAY):
        return read_array(content)
    raise BadImage(unlike_jpeg(content).replace("a JPEG", "a JPEG, a PNG or an array"))


def read_jpeg(content: bytes) -> np.ndarray:
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        refuse_huge(height, width)
        if colours not in (*COLOURS, "Gray"):
            raise BadImage(f"has {colours} colours, not red, green and blue")
        return simplejpeg.decode_jpeg(content, "RGB")
    except BadImage:
        raise
    except ValueError as error:
        raise BadImage(f"is a damaged JPEG ({reason(error)})") from None


def read_png(content: bytes) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes: they are looked at here
            image = Image.open(io.BytesIO(content), formats=["PNG"])
        refuse_huge(image.height, image.width)
        if image.mode.startswith("I"):  # 16 bits a pixel, of which 8 count
            return coloured((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
        return np.asarray(image.convert("RGB"))
    except BadImage:
        raise
    except DAMAGE as error:
        raise BadImage(f"is a damaged PNG ({reason(error)})") from None


def read_array(content: bytes) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except DAMAGE as error:
        raise BadImage(f"is a damaged array ({reason(error)})") from None
    if (
        array.ndim not in (2, 3)
        or 0 in array.shape
        or array.shape[2:] not in ((), (3,))
    ):
        raise BadImage(f"is an array of shape {array.shape}, not (height, width, 3)")
    refuse_huge(*array.shape[:2])
    return coloured(as_pixels(array))


def as_pixels(array: np.ndarray) -> np.ndarray:
    """Numbers of 0 to 255, or fractions of 0 to 1, as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1:
        return np.rint(255 * array).astype(np.uint8)
    raise BadImage(
        f"is an array of {array.dtype} from {array.min():g} to {array.max():g}, not of "
        "uint8, nor of fractions from 0 to 1"
    )


def coloured(pixels: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) -> (H, W, 3)."""
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def refuse_huge(height: int, width: int) -> None:
    if height * width > MOST_PIXELS:
        raise BadImage(f"has {width} x {height} px, more than a galaxy needs")


def reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # it says where in memory that was
        return "its header"
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "?"


def as_seen(picture: np.ndarray, crop_size: int, size: int) -> np.ndarray:
    """The central part that a network sees: the same share as of the competition's.

    Args:
        picture: (H, W, 3) uint8; of the shorter side the share is taken.
        crop_size: how much of 424 px that is.
        size: pixels along a side of the result.

    Returns:
        (size, size, 3) uint8.
    """
    side = side_seen(picture.shape, crop_size)
    crop = crop_center(picture, side)
    if side >= size:
        return shrink(crop, size)
    enlarged = Image.fromarray(crop).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(enlarged)


def side_seen(shape: tuple[int, ...], crop_size: int) -> int:
    """How many pixels along a side of a picture (H, W, 3) are within the crop."""
    return max(1, round(min(shape[:2]) * crop_size / RAW_SIZE))
