import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.parts import Part
from pipeline.runs.contents import load_ids, open_shards
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS
from pipeline.settings.schema import make_settings
from pipeline.stages.download import download
from pipeline.stages.preprocess import preprocess
from tests.miniature import TEST_IDS, TRAIN_IDS, blob, spoil


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no workers start, which takes longer than these few images."""
    monkeypatch.setattr("pipeline.parallel.num_cores", lambda: 1)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_image_becomes_a_row_beside_its_id(run: Run) -> None:
    download(run)
    preprocess(run)
    shards = open_shards(run.shards("train"))
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
def test_rows_are_gathered_in_the_order_asked(run: Run) -> None:
    download(run)
    preprocess(run)
    shards = open_shards(run.shards("train"))
    some = shards.gather(np.array([23, 0, 8]))
    np.testing.assert_array_equal(some[1], shards.arrays[0][0])
    np.testing.assert_array_equal(some[0], shards.arrays[3][2])
    np.testing.assert_array_equal(some[2], shards.arrays[1][1])


@pytest.mark.usefixtures("alone")
def test_a_second_run_changes_no_file(run: Run) -> None:
    download(run)
    preprocess(run)
    before = contents(run.work.root)
    download(run)
    preprocess(run)
    assert contents(run.work.root) == before


@pytest.mark.usefixtures("alone")
def test_another_setting_makes_another_folder(run: Run, folder: Path) -> None:
    download(run)
    preprocess(run)
    settings = make_settings(str(folder), "tiny", {"preprocess.image_size": 20})
    other = Run(settings, run.work)
    assert other.shards("test").state == "missing"
    preprocess(other)
    assert run.shards("test").state == "done"
    (images,) = open_shards(other.shards("test")).arrays
    assert images.shape == (6, 20, 20, 3)


def test_without_a_download_the_command_is_named(run: Run) -> None:
    with pytest.raises(
        PipelineError, match=r'raw/folder is missing. Run "./run.sh dow'
    ):
        preprocess(run)


def test_a_bad_training_image_is_left_out(run: Run, folder: Path) -> None:
    name = "images_training_rev1/100005.jpg"
    spoil(folder / "images_training_rev1.zip", {name: b"<html>"})
    download(run)
    preprocess(run)
    assert 100_005 not in load_ids(run.shards("train"))
    result = run.shards("train").result
    assert result["num_images"] == 23
    assert list(result["bad"]) == ["100005"]


@pytest.mark.usefixtures("alone")
def test_a_bad_test_image_keeps_its_row(run: Run, folder: Path) -> None:
    name = "images_test_rev1/200002.jpg"
    spoil(folder / "images_test_rev1.zip", {name: blob(200)[:2000]})
    download(run)
    preprocess(run)
    assert load_ids(run.shards("test")).tolist() == TEST_IDS.tolist()
    (images,) = open_shards(run.shards("test")).arrays
    assert images[2].max() == 0
    assert images[3].max() > 0
    assert list(run.shards("test").result["bad"]) == ["200002"]


@pytest.mark.usefixtures("alone")
def test_a_damaged_member_is_a_bad_image(run: Run, folder: Path) -> None:
    path = folder / "images_training_rev1.zip"
    content = bytearray(path.read_bytes())
    content[content.index(blob(100_010 % 97 + 100)) + 700] ^= 0xFF
    path.write_bytes(content)
    download(run)
    preprocess(run)
    bad = run.shards("train").result["bad"]
    assert list(bad) == ["100010"]
    assert "CRC" in bad["100010"]


@pytest.mark.usefixtures("alone")
def test_too_many_bad_images_stop_the_stage(run: Run, folder: Path) -> None:
    spoiled = {f"images_test_rev1/20000{number}.jpg": b"" for number in range(4)}
    spoil(folder / "images_test_rev1.zip", spoiled)
    download(run)
    with pytest.raises(
        PipelineError, match=r"more than 3 images are unreadable.*200000.jpg \(empty"
    ):
        preprocess(run)
    assert run.shards("test").state != "done"


def test_a_zip_without_galaxies_is_refused(run: Run, folder: Path) -> None:
    with zipfile.ZipFile(folder / "images_test_rev1.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    with pytest.raises(PipelineError, match="holds no galaxies"):
        download(run)


@pytest.mark.usefixtures("alone")
def test_parts_and_what_they_leave_make_the_bytes_of_the_whole(
    run: Run, ready: Run
) -> None:
    download(run)
    for number in (3, 1):
        preprocess(run, part=Part(number, 3))
    made = contents(run.shards("train").partial)
    assert {Path(name).name for name in made} == {
        *("00000.npy", "00000.json", "00002.npy", "00002.json", "00003.npy"),
        "00003.json",
    }
    assert run.shards("train").state == "half made"
    preprocess(run)
    for split in SPLITS:
        theirs, ours = ready.shards(split), run.shards(split)
        assert ours.receipt["content"] == theirs.receipt["content"]
        assert ours.result == theirs.result
    kept = {Path(name).name: stamp for name, (stamp, _) in made.items()}
    for name, (stamp, _) in contents(run.shards("train").folder).items():
        if Path(name).name in kept:
            assert stamp == kept[Path(name).name]  # nothing is made twice


@pytest.mark.usefixtures("alone")
def test_a_shard_that_was_cut_on_the_way_is_made_again(run: Run, ready: Run) -> None:
    download(run)
    preprocess(run, part=Part(1, 2))
    for name in ("00000.npy", "00002.json"):
        file = run.shards("train").partial / name
        file.write_bytes(file.read_bytes()[:20])
    (run.shards("test").partial / "00000.json").write_text('{"ids": 7}')
    preprocess(run)
    train = "train"
    assert (
        run.shards(train).receipt["content"] == ready.shards(train).receipt["content"]
    )


@pytest.mark.usefixtures("alone")
def test_bad_images_of_all_parts_count_together(run: Run, folder: Path) -> None:
    names = [f"images_training_rev1/{galaxy}.jpg" for galaxy in TRAIN_IDS[::6]]
    spoil(folder / "images_training_rev1.zip", dict.fromkeys(names, b""))
    download(run)
    preprocess(run, part=Part(1, 2))
    with pytest.raises(PipelineError, match="more than 3 images are unreadable"):
        preprocess(run)
