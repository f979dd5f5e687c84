"""The competition at full size, at a small one."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.tables import read_fractions, read_ids
from pipeline.errors import PipelineError
from pipeline.sources.everything import find_everything
from pipeline.sources.folder import find_files
from pipeline.sources.integrity import check_together
from tests import full_size
from tests.full_size import Ids, load_ids, made_up_ids, write_full_size
from tests.miniature import TEST_IDS, TRAIN_IDS, zip_csv

SHARE = 0.001


def jpegs_in(path: Path) -> dict[int, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return {int(Path(name).stem): archive.read(name) for name in names}


@pytest.fixture
def out(folder: Path, tmp_path: Path) -> Path:
    """A thousandth of the competition, from pictures in miniature."""
    write_full_size(tmp_path / "out", folder, share=SHARE)
    return tmp_path / "out"


def test_as_many_galaxies_as_the_competition_has_are_made_up() -> None:
    train, test = made_up_ids()
    assert (len(train), len(test)) == (61_578, 79_975)
    assert len(np.union1d(train, test)) == 61_578 + 79_975
    for ids in (train, test):  # Kaggle's reach from 100008 to 999958 and 999967
        assert 100_008 <= ids[0] < 100_100
        assert 999_900 < ids[-1] <= 999_967


def test_the_files_are_kaggles_and_fit_together(out: Path) -> None:
    assert find_everything(out) is None
    assert not [*check_together(find_files(out))]
    assert len(jpegs_in(out / "images_training_rev1.zip")) == 61
    sample = read_ids(out / "all_zeros_benchmark.zip")
    assert [*jpegs_in(out / "images_test_rev1.zip")] == sample.tolist()
    assert len(sample) == 79


def test_each_galaxy_has_picture_and_labels_of_one_of_the_source(
    out: Path, folder: Path
) -> None:
    ids, fractions = read_fractions(out / "training_solutions_rev1.zip")
    made = jpegs_in(out / "images_training_rev1.zip")
    _, known = read_fractions(folder / "training_solutions_rev1.zip")
    with zipfile.ZipFile(folder / "images_training_rev1.zip") as archive:
        for row in range(61):  # 24 galaxies, two and a half times
            name = f"images_training_rev1/{TRAIN_IDS[row % 24]}.jpg"
            assert made[ids[row]] == archive.read(name)
            np.testing.assert_array_equal(fractions[row], known[row % 24])


def test_tables_are_written_as_kaggle_writes_them(out: Path) -> None:
    with zipfile.ZipFile(out / "training_solutions_rev1.zip") as archive:
        text = archive.read("training_solutions_rev1.csv").decode()
    assert text.startswith("GalaxyID,Class1.1,Class1.2,")
    assert text.count("\r\n") == text.count("\n") == 62


def test_one_zip_of_images_serves_both_sets(folder: Path, tmp_path: Path) -> None:
    zipped = folder / "images_training_rev1.zip"
    write_full_size(tmp_path / "out", zipped, share=SHARE)
    sets = [
        {*jpegs_in(tmp_path / "out" / f"images_{name}_rev1.zip").values()}
        for name in ("training", "test")
    ]
    assert sets[0] == sets[1]


@pytest.mark.parametrize("arrays", [True, False])
def test_ids_are_those_of_arrays_or_tables(tmp_path: Path, arrays: bool) -> None:
    if arrays:
        np.save(tmp_path / "train_ids.npy", TRAIN_IDS)
        np.save(tmp_path / "test_ids.npy", TEST_IDS)
    else:
        backwards = TRAIN_IDS[::-1]
        zip_csv(tmp_path / "training_solutions_rev1.zip", backwards, np.ones((24, 37)))
        zip_csv(tmp_path / "all_zeros_benchmark.zip", TEST_IDS, np.ones((6, 37)))
    for found, ids in zip(load_ids(tmp_path), Ids(TRAIN_IDS, TEST_IDS), strict=True):
        np.testing.assert_array_equal(found, ids)


def test_ids_that_are_nowhere_are_refused(tmp_path: Path) -> None:
    line = "has neither train_ids.npy nor training_solutions_rev1.zip."
    with pytest.raises(PipelineError, match=line):
        load_ids(tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(PipelineError, match="is not empty. Name a folder"):
        write_full_size(tmp_path, share=SHARE)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_too_little_room_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(2**40, 2**40 - 10**9, 10**9)
    monkeypatch.setattr(full_size.shutil, "disk_usage", lambda place: usage)
    line = r"would take about 2.0 GB; 1.0 GB are free."
    with pytest.raises(PipelineError, match=line):
        write_full_size(tmp_path / "out")
    assert not (tmp_path / "out").exists()
