import os
import shutil
import zipfile
from pathlib import Path

import pytest

from pipeline.sources.fingerprint import locate
from pipeline.sources.folder import FILES, find_some_files
from tests.miniature import blob


def contents(folder: Path) -> dict[str, str]:
    return {
        role: locate(role, path).content
        for role, path in find_some_files(folder).items()
    }


def unpack(folder: Path) -> None:
    for path in list(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        path.unlink()


def test_zipped_unpacked_moved_and_touched_files_are_the_same(
    folder: Path, tmp_path: Path
) -> None:
    before = contents(folder)
    assert set(before) == set(FILES)
    moved = shutil.copytree(folder, tmp_path / "moved")
    unpack(moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
    assert contents(moved) == before


@pytest.mark.parametrize("form", ["zipped", "unpacked"])
def test_another_picture_is_another_content(folder: Path, form: str) -> None:
    before = contents(folder)
    with zipfile.ZipFile(folder / "images_test_rev1.zip", "a") as archive:
        archive.writestr("images_test_rev1/999999.jpg", blob(50))
    if form == "unpacked":
        unpack(folder)
    after = contents(folder)
    assert after.pop("test_images") != before.pop("test_images")
    assert after == before


def test_what_changes_in_a_linked_folder_is_noticed(
    folder: Path, tmp_path: Path
) -> None:
    unpack(folder)
    images = folder / "images_training_rev1"
    elsewhere = shutil.copytree(images, tmp_path / "elsewhere")
    shutil.rmtree(images)
    images.mkdir()
    (images / "linked").symlink_to(elsewhere)
    before = locate("train_images", images)
    (elsewhere / "100003.jpg").write_bytes(blob(50))
    assert locate("train_images", images, before).content != before.content


def test_one_changed_byte_of_the_same_size_is_another_content(folder: Path) -> None:
    unpack(folder)
    before = contents(folder)["train_images"]
    path = next((folder / "images_training_rev1").glob("*.jpg"))
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert contents(folder)["train_images"] != before


def test_what_is_known_and_untouched_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(folder)
    path = folder / "images_training_rev1"
    known = locate("train_images", path)

    def refuse(*_: object) -> None:
        raise AssertionError("was read again")

    monkeypatch.setattr("pipeline.sources.fingerprint.size_and_crc", refuse)
    assert locate("train_images", path, known) == known
    next(path.glob("*.jpg")).touch()
    with pytest.raises(AssertionError, match="was read again"):
        locate("train_images", path, known)


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_read(
    folder: Path, tmp_path: Path
) -> None:
    path = folder / "training_solutions_rev1.csv"
    path.write_text("GalaxyID,a\n1,1\n")
    known = locate("solutions", path)
    time = path.stat().st_mtime_ns
    path.write_text("GalaxyID,a\n1,2\n")
    os.utime(path, ns=(time, time))
    assert locate("solutions", path, known).content != known.content
