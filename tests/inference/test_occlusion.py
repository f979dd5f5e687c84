import numpy as np

from pipeline.data.tree import COLUMNS
from pipeline.inference.occlusion import covers, influence

SIZE = 24


class Corner:
    """Says of every answer how bright the upper left corner is; Class1.2 is dark."""

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        bright = images[:, :4, :4].mean(axis=(1, 2, 3))[:, None] / 255
        fractions = np.repeat(bright, 37, axis=1)
        fractions[:, 1] = 1 - fractions[:, 1]
        return fractions


def galaxy() -> np.ndarray:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[1:20, 1:20] = 200
    return image


def test_only_what_the_network_looks_at_counts() -> None:
    found = influence([Corner()], galaxy())
    assert found.shape == (SIZE, SIZE)
    assert found[2, 2] > 0
    assert found[12:, 12:].max() == 0


def test_a_pixel_speaks_for_one_answer_and_against_another() -> None:
    image = galaxy()
    smooth, features = (
        influence([Corner()], image, COLUMNS.index(name))
        for name in ("Class1.1", "Class1.2")
    )
    assert smooth[2, 2] > 0
    np.testing.assert_allclose(features, -smooth)


def test_networks_that_look_elsewhere_are_averaged() -> None:
    class Blind:
        def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
            return np.full((len(images), 37), 0.5)

    alone = influence([Corner()], galaxy(), 0)
    together = influence([Corner(), Blind()], galaxy(), 0)
    np.testing.assert_allclose(together, alone / 2)


def test_every_pixel_is_covered() -> None:
    for size in (8, 24, 45, 96):
        hidden = np.zeros((size, size), int)
        for square in covers(size):
            hidden[square] += 1
        assert hidden.min() >= 1
