from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.reporting.pictures import OUTLINE, enlarge, load_originals, outline, tile


def test_the_outline_lies_around_the_crop_not_in_it() -> None:
    drawn = outline(np.zeros((20, 20, 3), np.uint8), 10, width=2)
    assert not drawn[5:15, 5:15].any()
    assert drawn[4, 10].tolist() == list(OUTLINE)
    assert drawn[3, 3].tolist() == list(OUTLINE)
    assert not drawn[2].any()
    assert drawn[16, 16].tolist() == list(OUTLINE)
    assert not drawn[17].any()


def test_tiles_run_along_the_rows() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = tile(images, 2, gap=1)
    assert sheet.shape == (5, 5, 3)
    assert (sheet[0, 0, 0], sheet[0, 3, 0], sheet[3, 0, 0]) == (1, 2, 3)
    assert not sheet[3:, 3:].any()
    assert not sheet[2].any()
    assert not sheet[:, 2].any()


def test_pixels_become_squares() -> None:
    assert enlarge(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), 4).shape == (4, 4, 3)


def test_originals_come_in_the_order_asked_for(folder: Path) -> None:
    images = [*load_originals(folder / "images_training_rev1.zip", [100_005, 100_001])]
    brightness = [int(image[200, 200, 0]) for image in images]
    # miniature paints galaxy g with brightness g % 97 + 100
    np.testing.assert_allclose(
        brightness, [100_005 % 97 + 100, 100_001 % 97 + 100], 0.02
    )


def test_a_galaxy_that_has_gone_is_named(folder: Path) -> None:
    with pytest.raises(PipelineError, match="holds no 7.jpg. Is it complete?"):
        next(load_originals(folder / "images_training_rev1.zip", [7]))
