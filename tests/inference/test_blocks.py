"""Predictions kept block by block."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.inference import blocks
from pipeline.inference.blocks import Blocks, block_slices
from pipeline.parts import Part


class Network:
    """Says of a row its number; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.skipped = 0

    def predict(self, rows: slice) -> np.ndarray:
        numbers = np.arange(rows.start, rows.stop)
        self.asked += numbers.tolist()
        return np.tile(numbers[:, None], 37).astype(float)

    def skip(self, num_rows: int) -> None:
        self.skipped += num_rows

    def gather(self, kept: Blocks, num_rows: int = 10) -> np.ndarray | None:
        return kept.gather(num_rows, 2, self.predict, self.skip)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LEAST", 3)


EXPECTED = np.tile(np.arange(10.0)[:, None], 37)


def test_blocks_end_where_steps_do() -> None:
    found = [(rows.start, rows.stop) for rows in block_slices(10, 2)]
    assert found == [(0, 4), (4, 8), (8, 10)]
    assert [(rows.start, rows.stop) for rows in block_slices(7, 5)] == [(0, 5), (5, 7)]


def test_what_is_not_kept_is_predicted_whole() -> None:
    np.testing.assert_array_equal(Network().gather(Blocks()), EXPECTED)
    assert Network().gather(Blocks(), 0).shape == (0, 37)


def test_what_is_kept_is_not_predicted_again(tmp_path: Path) -> None:
    kept, network = Blocks(tmp_path), Network()
    network.gather(kept)
    again = Network()
    np.testing.assert_array_equal(again.gather(kept), EXPECTED)
    assert again.asked == []
    assert again.skipped == 10


def test_parts_make_up_the_whole(tmp_path: Path) -> None:
    networks = [Network(), Network()]
    found = [
        network.gather(Blocks(tmp_path, Part(number, 2)))
        for number, network in enumerate(networks, 1)
    ]
    assert found[0] is None
    np.testing.assert_array_equal(found[1], EXPECTED)
    assert [network.asked for network in networks] == [[0, 1, 2, 3, 8, 9], [4, 5, 6, 7]]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY damaged", None])
def test_a_damaged_block_is_predicted_again(
    tmp_path: Path, content: bytes | None
) -> None:
    kept = Blocks(tmp_path)
    Network().gather(kept)
    if content is None:  # of another number of galaxies
        np.save(kept.file(1), np.zeros((3, 37)))
    else:
        kept.file(1).write_bytes(content)
    again = Network()
    np.testing.assert_array_equal(again.gather(kept), EXPECTED)
    assert again.asked == [4, 5, 6, 7]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "blocks").symlink_to(tmp_path / "theirs")
    with pytest.raises(PipelineError, match="blocks is a link"):
        Network().gather(Blocks(tmp_path / "blocks").of("one"))
    assert not [*(tmp_path / "theirs").iterdir()]


def test_other_networks_have_blocks_of_their_own(tmp_path: Path) -> None:
    kept = Blocks(tmp_path)
    Network().gather(kept.of("one"))
    other = Network()
    other.gather(kept.of("two"))
    assert len(other.asked) == 10
    kept.remove()
    assert not tmp_path.exists()
