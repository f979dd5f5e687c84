"""Pictures of all kinds and sizes, as arrays."""

import io
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from pipeline.catalogues import pictures
from pipeline.catalogues.pictures import as_seen, read_picture
from pipeline.data.archives import file_reader
from pipeline.data.images import BadImage, prepare
from pipeline.settings.schema import PreprocessConfig
from tests.miniature import blob

CONFIG = PreprocessConfig()  # 212 of 424 px, shrunk to 64


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, format="PNG")
    return file.getvalue()


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture
def colours() -> np.ndarray:
    """(6, 4, 3) uint8: rows of red, then of blue."""
    picture = np.zeros((6, 4, 3), np.uint8)
    picture[:3, :, 0], picture[3:, :, 2] = 200, 100
    return picture


def test_a_png_and_an_array_give_their_very_pixels(colours: np.ndarray) -> None:
    for content in (png(colours), saved(colours), png(colours, "RGBA")):
        np.testing.assert_array_equal(read_picture(content), colours)
    fractions = saved((colours / 255).astype(np.float32))
    np.testing.assert_array_equal(read_picture(fractions), colours)


def test_grey_becomes_colour() -> None:
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    jpeg = simplejpeg.encode_jpeg(np.full((16, 16, 1), 90, np.uint8), colorspace="GRAY")
    deep = png(grey.astype(np.uint16) * 257)
    for content in (png(grey), saved(grey), deep):
        np.testing.assert_array_equal(
            read_picture(content), np.stack([grey, grey, grey], axis=2)
        )
    np.testing.assert_allclose(read_picture(jpeg), np.full((16, 16, 3), 90), atol=1)


def test_the_kind_is_told_by_bytes_not_by_the_name() -> None:
    with pytest.raises(BadImage, match="is not a JPEG, a PNG or an array .*like GIF"):
        read_picture(b"GIF89a...")


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "empty file"),
        (blob(200)[:900], "is a damaged JPEG"),
        (png(np.zeros((9, 9), np.uint8))[:45], "is a damaged PNG"),
        (saved(np.zeros((9, 9), np.uint8))[:90], "is a damaged array"),
        (saved(np.zeros((9, 9, 2), np.uint8)), r"array of shape \(9, 9, 2\)"),
        (saved(np.zeros((0, 9, 3), np.uint8)), r"array of shape \(0, 9, 3\)"),
        (saved(np.full((9, 9), 7.5)), "of float64 from 7.5 to 7.5, not of uint8"),
        (saved(np.full((9, 9), np.nan)), "of float64 from nan to nan"),
        (saved(np.array([[{}]])), "is a damaged array .*allow_pickle"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(content: bytes, trouble: str) -> None:
    with pytest.raises(BadImage, match=trouble):
        read_picture(content)


def test_a_huge_picture_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 80)
    for content in (
        png(np.zeros((9, 9), np.uint8)),
        saved(np.zeros((9, 9), np.uint8)),
        simplejpeg.encode_jpeg(np.zeros((9, 9, 3), np.uint8)),
    ):
        with pytest.raises(BadImage, match="has 9 x 9 px, more than a galaxy needs"):
            read_picture(content)


def test_a_png_of_more_pixels_than_pillow_trusts_is_refused() -> None:
    file = io.BytesIO()  # of 24 kB
    Image.new("1", (14_000, 14_000)).save(file, "PNG")
    with pytest.raises(BadImage, match="196000000 pixels"):
        read_picture(file.getvalue())


def test_what_is_said_of_a_damaged_png_is_the_same_every_time() -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(40)
    with pytest.raises(BadImage) as refusal:
        read_picture(content)
    assert str(refusal.value) == "is a damaged PNG (its header)"


def test_a_name_that_no_file_can_have_is_an_unreadable_picture(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="has a NUL in its name"):
        file_reader(tmp_path)("a\0.jpg")


def test_a_picture_of_the_competition_is_seen_as_preprocess_makes_it() -> None:
    seen = as_seen(read_picture(blob(180)), CONFIG.crop_size, CONFIG.image_size)
    np.testing.assert_array_equal(seen, prepare(blob(180), 212, 64))


@pytest.mark.parametrize(
    "shape", [(848, 848), (424, 600), (106, 106), (40, 30), (2, 9)]
)
def test_the_same_share_of_any_picture_is_seen(shape: tuple[int, int]) -> None:
    height, width = shape
    half = min(shape) // 2  # 212 of 424
    top, left = (height - half) // 2, (width - half) // 2
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + half, left : left + half] = 150
    seen = as_seen(picture, CONFIG.crop_size, CONFIG.image_size)
    assert seen.shape == (64, 64, 3)
    np.testing.assert_array_equal(seen, 150)
