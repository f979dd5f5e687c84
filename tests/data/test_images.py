import numpy as np
import pytest
import simplejpeg
from skimage.transform import resize_local_mean

from pipeline.data.images import BadImage, crop_center, decode, prepare, shrink
from tests.miniature import blob


def test_a_jpg_decodes_to_red_green_blue() -> None:
    orange = np.zeros((424, 424, 3), np.uint8)
    orange[:] = (240, 130, 20)
    pixels = decode(simplejpeg.encode_jpeg(orange, quality=95))
    assert pixels.shape == (424, 424, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[200, 200].astype(int) - (240, 130, 20)).max() <= 3


GREY = simplejpeg.encode_jpeg(np.zeros((424, 424, 1), np.uint8), colorspace="GRAY")
SMALL = simplejpeg.encode_jpeg(np.zeros((100, 80, 3), np.uint8))


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (b"", "empty file"),
        (b"<html>404</html>", "JPEG"),
        (blob(200)[:3000], "[Pp]remature end"),
        (SMALL, "80 x 100 px instead of 424 x 424"),
        (GREY, "grey instead of colour"),
    ],
)
def test_what_is_no_competition_image_is_refused(jpeg: bytes, reason: str) -> None:
    with pytest.raises(BadImage, match=reason):
        decode(jpeg)


def test_the_crop_is_central() -> None:
    image = np.zeros((424, 424, 3), np.uint8)
    image[106, 106], image[317, 317] = 7, 9
    crop = crop_center(image, 212)
    assert crop.shape == (212, 212, 3)
    assert (crop[0, 0, 0], crop[-1, -1, 0]) == (7, 9)


@pytest.mark.parametrize(("old", "new"), [(212, 64), (212, 53), (100, 99), (64, 64)])
def test_shrinking_is_area_averaging_as_scikit_image_does_it(
    old: int, new: int
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (old, old, 3), np.uint8)
    expected = resize_local_mean(image, (new, new), channel_axis=2, preserve_range=True)
    got = shrink(image, new)
    assert got.dtype == np.uint8
    # half a grey level is what rounding may take
    assert np.abs(got - expected).max() <= 0.501


def test_four_pixels_become_their_mean() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = (4, 8, 12)
    assert shrink(image, 1)[0, 0].tolist() == [1, 2, 3]


def test_prepare_crops_then_shrinks() -> None:
    # the bright square is 124 px wide, so a 62 px crop sees nothing else
    assert prepare(blob(200), 62, 31).min() > 190
    assert prepare(blob(200), 424, 32)[0, 0].max() < 20
