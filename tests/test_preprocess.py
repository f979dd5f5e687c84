import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline import artifacts
from pipeline.config import Config, make_config
from pipeline.download import download
from pipeline.errors import PipelineError
from pipeline.preprocess import preprocess
from pipeline.shards import Shards
from pipeline.workdir import WorkDir
from tests.conftest import TEST_IDS, TRAIN_IDS, blob


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no workers start, which takes longer than these few images."""
    monkeypatch.setattr("pipeline.parallel.num_cores", lambda: 1)


def spoil(path: Path, spoiled: dict[str, bytes]) -> None:
    """Rewrites a zip with other content for some of its members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | spoiled).items():
            archive.writestr(name, content)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_image_becomes_a_row_beside_its_id(config: Config, work: WorkDir) -> None:
    download(config, work)
    preprocess(config, work)
    shards = Shards(work.shards("train"), 4)
    assert [array.shape for array in shards.arrays] == [(7, 16, 16, 3)] * 3 + [
        (3, 16, 16, 3)
    ]
    assert shards.arrays[0].dtype == np.uint8
    assert isinstance(shards.arrays[0], np.memmap)
    assert shards.ids.tolist() == TRAIN_IDS.tolist()
    # the middle of each image is as bright as its id makes it
    middle = shards.gather(np.arange(24))[:, 8, 8, 0]
    assert np.abs(middle.astype(int) - (TRAIN_IDS % 97 + 100)).max() <= 2


@pytest.mark.usefixtures("alone")
def test_rows_are_gathered_in_the_order_asked(config: Config, work: WorkDir) -> None:
    download(config, work)
    preprocess(config, work)
    shards = Shards(work.shards("train"), 4)
    some = shards.gather(np.array([23, 0, 8]))
    np.testing.assert_array_equal(some[1], shards.arrays[0][0])
    np.testing.assert_array_equal(some[0], shards.arrays[3][2])
    np.testing.assert_array_equal(some[2], shards.arrays[1][1])


@pytest.mark.usefixtures("alone")
def test_a_second_run_changes_no_file(config: Config, work: WorkDir) -> None:
    download(config, work)
    preprocess(config, work)
    before = contents(work.root)
    download(config, work)
    preprocess(config, work)
    assert contents(work.root) == before


@pytest.mark.usefixtures("alone")
def test_a_changed_knob_rebuilds(config: Config, work: WorkDir, folder: Path) -> None:
    download(config, work)
    preprocess(config, work)
    other = make_config(str(folder), "tiny", {"preprocess.image_size": 20})
    assert artifacts.shards(other, work, "test").state == "stale"
    preprocess(other, work)
    assert np.load(work.shards("test") / "00000.npy").shape == (6, 20, 20, 3)


def test_without_a_download_the_command_is_named(config: Config, work: WorkDir) -> None:
    with pytest.raises(PipelineError, match=r'raw is missing. Run "./run.sh download"'):
        preprocess(config, work)


def test_a_bad_training_image_is_left_out(
    config: Config, work: WorkDir, folder: Path
) -> None:
    name = "images_training_rev1/100005.jpg"
    spoil(folder / "images_training_rev1.zip", {name: b"<html>"})
    download(config, work)
    preprocess(config, work)
    assert 100_005 not in np.load(work.shards("train") / "ids.npy")
    result = artifacts.shards(config, work, "train").result
    assert result["num_images"] == 23
    assert list(result["bad"]) == ["100005"]


@pytest.mark.usefixtures("alone")
def test_a_bad_test_image_keeps_its_row(
    config: Config, work: WorkDir, folder: Path
) -> None:
    name = "images_test_rev1/200002.jpg"
    spoil(folder / "images_test_rev1.zip", {name: blob(200)[:2000]})
    download(config, work)
    preprocess(config, work)
    assert np.load(work.shards("test") / "ids.npy").tolist() == TEST_IDS.tolist()
    images = np.load(work.shards("test") / "00000.npy")
    assert images[2].max() == 0
    assert images[3].max() > 0
    assert list(artifacts.shards(config, work, "test").result["bad"]) == ["200002"]


@pytest.mark.usefixtures("alone")
def test_a_damaged_member_is_a_bad_image(
    config: Config, work: WorkDir, folder: Path
) -> None:
    path = folder / "images_training_rev1.zip"
    content = bytearray(path.read_bytes())
    content[content.index(blob(100_010 % 97 + 100)) + 700] ^= 0xFF
    path.write_bytes(content)
    download(config, work)
    preprocess(config, work)
    bad = artifacts.shards(config, work, "train").result["bad"]
    assert list(bad) == ["100010"]
    assert "CRC" in bad["100010"]


@pytest.mark.usefixtures("alone")
def test_too_many_bad_images_stop_the_stage(
    config: Config, work: WorkDir, folder: Path
) -> None:
    spoiled = {f"images_test_rev1/20000{number}.jpg": b"" for number in range(4)}
    spoil(folder / "images_test_rev1.zip", spoiled)
    download(config, work)
    with pytest.raises(
        PipelineError, match=r"more than 3 images are unreadable.*200000.jpg \(empty"
    ):
        preprocess(config, work)
    assert artifacts.shards(config, work, "test").state != "done"


def test_a_zip_without_galaxies_is_refused(
    config: Config, work: WorkDir, folder: Path
) -> None:
    with zipfile.ZipFile(folder / "images_test_rev1.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    download(config, work)
    with pytest.raises(PipelineError, match="holds no galaxies"):
        preprocess(config, work)
