"""The demo sky's files, against the layout of the real ones."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from pipeline import parallel
from pipeline.sources import demo
from pipeline.sources.demo import make_demo

FILES = (
    "all_zeros_benchmark.zip",
    "images_test_rev1.zip",
    "images_training_rev1.zip",
    "test_solutions.csv",
    "training_solutions_rev1.zip",
)


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo of 12 training and 5 test galaxies."""
    folder = tmp_path_factory.mktemp("sky")
    make_demo(folder, 12, 5, seed=3, num_volunteers=45)
    return folder


def csv_in(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"{path.stem}.csv"]
        return archive.read(f"{path.stem}.csv")


def jpegs_in(path: Path) -> dict[int, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert {Path(name).parent.name for name in names} == {path.stem}
        return {int(Path(name).stem): archive.read(name) for name in names}


def rows_of(content: bytes) -> list[list[str]]:
    return [line.split(",") for line in content.decode().split("\r\n")[1:-1]]


def ids_of(content: bytes) -> list[int]:
    return [int(row[0]) for row in rows_of(content)]


def test_the_files_are_kaggles_and_nothing_is_left_over(sky: Path) -> None:
    assert sorted(path.name for path in sky.iterdir()) == list(FILES)


def test_images_are_competition_jpegs(sky: Path) -> None:
    train = jpegs_in(sky / "images_training_rev1.zip")
    test = jpegs_in(sky / "images_test_rev1.zip")
    assert (len(train), len(test)) == (12, 5)
    for jpeg in (*train.values(), *test.values()):
        assert simplejpeg.decode_jpeg(jpeg).shape == (424, 424, 3)
        assert 6_000 < len(jpeg) < 40_000


def test_ids_have_six_digits_ascend_and_are_used_once(sky: Path) -> None:
    train = list(jpegs_in(sky / "images_training_rev1.zip"))
    test = list(jpegs_in(sky / "images_test_rev1.zip"))
    for ids in (train, test):
        assert ids == sorted(ids)
        assert ids[0] >= 100008
        assert ids[-1] <= 999967
    assert len({*train, *test}) == 17


def test_train_and_test_ids_are_mixed() -> None:
    train, test = demo.draw_ids(500, 500, seed=0)
    assert abs(train.mean() - test.mean()) < 50_000


def test_solutions_match_the_images(sky: Path) -> None:
    solutions = csv_in(sky / "training_solutions_rev1.zip")
    assert ids_of(solutions) == list(jpegs_in(sky / "images_training_rev1.zip"))


def test_truth_and_sample_submission_match_the_test_images(sky: Path) -> None:
    test = list(jpegs_in(sky / "images_test_rev1.zip"))
    sample = csv_in(sky / "all_zeros_benchmark.zip")
    assert ids_of((sky / "test_solutions.csv").read_bytes()) == test
    assert ids_of(sample) == test
    assert {number for row in rows_of(sample) for number in row[1:]} == {"0"}


def test_tables_are_written_as_kaggle_writes_them(sky: Path) -> None:
    for content in (
        csv_in(sky / "training_solutions_rev1.zip"),
        (sky / "test_solutions.csv").read_bytes(),
    ):
        assert content.startswith(b"GalaxyID,Class1.1,Class1.2,Class1.3,Class2.1,")
        assert content.split(b"\r\n")[0].endswith(b",Class11.5,Class11.6")
        assert content.count(b"\n") == content.count(b"\r\n")
        assert content.endswith(b"\r\n")
        for row in rows_of(content):
            assert len(row) == 38
            assert all(len(number) <= len("0.123456789") for number in row[1:])
            assert {"0.0", "1.0", "0.000000000"}.isdisjoint(row)


def test_printed_labels_obey_the_tree(sky: Path) -> None:
    rows = np.array(rows_of(csv_in(sky / "training_solutions_rev1.zip")), float)[:, 1:]
    np.testing.assert_allclose(rows[:, :3].sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(rows[:, 13:15].sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(rows[:, 3:5].sum(axis=1), rows[:, 1], atol=1e-9)
    np.testing.assert_allclose(rows[:, 31:37].sum(axis=1), rows[:, 7], atol=1e-9)


def test_the_same_seed_gives_the_same_bytes_on_one_core_or_two(
    sky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "CHUNK_SIZE", 6)
    monkeypatch.setattr(parallel, "num_cores", lambda: 2)
    make_demo(tmp_path, 12, 5, seed=3, num_volunteers=45)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (sky / name).read_bytes()


def test_another_seed_gives_another_sky() -> None:
    jpeg, fractions = demo.make_galaxy(123456, seed=0, volunteers=45)
    other_jpeg, other_fractions = demo.make_galaxy(123456, seed=1, volunteers=45)
    assert jpeg != other_jpeg
    assert not np.array_equal(fractions, other_fractions)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (1.0, "1"), (0.25, "0.25"), (1e-9, "0.000000001")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert demo.number(value) == text
