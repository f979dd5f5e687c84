import dataclasses
import io
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from pipeline.data import csv_files
from pipeline.data.archives import file_reader, list_jpegs
from pipeline.errors import PipelineError
from pipeline.runs.graph import Run
from pipeline.runs.paths import receipt_file
from pipeline.sources.everything import unpack_everything
from pipeline.sources.folder import FILES
from pipeline.stages.download import download
from tests.miniature import TRAIN_IDS, blob, some_fractions, write_zip, zip_csv


def test_a_folder_is_used_where_it_lies(run: Run, folder: Path) -> None:
    download(run)
    raw = run.raw
    assert raw.result["num_train"] == 24
    assert raw.result["num_test"] == 6
    assert raw.file("test_images") == Path(run.settings.source, "images_test_rev1.zip")
    assert list(raw.folder.iterdir()) == [receipt_file(raw.folder)]


def test_unpacked_files_are_the_same_galaxies(folder: Path) -> None:
    zipped = folder / "images_training_rev1.zip"
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder / "unpacked")
    members = list_jpegs(folder / "unpacked")
    assert list(members) == list(list_jpegs(zipped)) == TRAIN_IDS.tolist()
    assert file_reader(folder / "unpacked")(members[100_003]) == blob(
        100_003 % 97 + 100
    )


def test_a_folder_of_unpacked_files_will_do(run: Run, folder: Path) -> None:
    for path in list(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        path.unlink()
    download(run)
    assert run.raw.result["num_train"] == 24


def test_the_one_zip_that_holds_all_is_unpacked(run: Run, folder: Path) -> None:
    zip_everything(folder)
    download(run)
    raw = run.raw
    assert raw.state == "done"
    assert raw.result["num_test"] == 6
    assert raw.file("train_images").parent == raw.folder


def test_what_is_missing_is_named(run: Run, folder: Path) -> None:
    (folder / "images_test_rev1.zip").unlink()
    with pytest.raises(PipelineError, match=r"lacks images_test_rev1 \(.zip"):
        download(run)


def test_a_zip_without_its_end_is_named(run: Run, folder: Path) -> None:
    path = folder / "images_test_rev1.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PipelineError, match=r"test_rev1.zip is not a complete zip"):
        download(run)


def test_a_file_gone_since_is_named(run: Run, folder: Path) -> None:
    download(run)
    (folder / "all_zeros_benchmark.zip").rename(folder / "elsewhere.zip")
    later = dataclasses.replace(run)
    with pytest.raises(
        PipelineError, match=r"all_zeros_benchmark.zip is gone. Bring it back, or let"
    ):
        later.raw.file("sample")
    assert later.raw.state == "damaged"


def test_a_file_replaced_since_outdates_the_download(run: Run, folder: Path) -> None:
    download(run)
    before = run.members[0].name
    zip_csv(folder / "training_solutions_rev1.zip", TRAIN_IDS, some_fractions(24, 1))
    later = dataclasses.replace(run)
    assert later.raw.state == "outdated"
    assert later.shards("train").name == run.shards("train").name
    assert later.members[0].name != before


def test_a_folder_touched_since_is_the_same(run: Run, folder: Path) -> None:
    download(run)
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    later = dataclasses.replace(run)
    assert later.raw.state == "done"
    assert later.members[0].name == run.members[0].name


ZIP = "training_solutions_rev1.zip"


def zip_everything(folder: Path) -> Path:
    archive = folder / "galaxy-zoo-the-galaxy-challenge.zip"
    parts = [path for path in sorted(folder.glob("*.zip")) if path != archive]
    with zipfile.ZipFile(archive, "w") as outer:
        for path in parts:
            outer.write(path, path.name)
    for path in parts:
        path.unlink()
    return archive


def test_the_zip_of_everything_replaced_since_is_unpacked_anew(
    run: Run, folder: Path
) -> None:
    archive = zip_everything(folder)
    download(run)
    before = run.members[0].name
    unpack_everything(archive, folder, FILES.values())
    zip_csv(folder / "training_solutions_rev1.zip", TRAIN_IDS, some_fractions(24, 1))
    archive.unlink()
    zip_everything(folder)
    later = dataclasses.replace(run)
    assert later.raw.state == "outdated"
    download(later)
    assert dataclasses.replace(run).raw.state == "done"
    assert dataclasses.replace(run).members[0].name != before


def test_what_was_unpacked_before_in_another_form_counts_no_more(
    run: Run, folder: Path
) -> None:
    archive = zip_everything(folder)
    download(run)
    with zipfile.ZipFile(archive) as outer:
        members = {name: outer.read(name) for name in outer.namelist()}
    labels = members.pop("training_solutions_rev1.zip")
    with zipfile.ZipFile(io.BytesIO(labels)) as inner:
        rows = inner.read("training_solutions_rev1.csv").replace(b"100000,", b"100001,")
    write_zip(archive, members | {"training_solutions_rev1.csv": rows})
    later = dataclasses.replace(run)
    with pytest.raises(PipelineError, match="1 row too many: galaxy 100001"):
        download(later)
    write_zip(archive, members | {"training_solutions_rev1.csv": rows, "x/" + ZIP: b""})
    with pytest.raises(PipelineError, match=r"rev1.csv and training_solutions_rev1.z"):
        download(dataclasses.replace(run))


def test_the_zip_of_everything_must_fit_on_the_disk(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zip_everything(folder)
    usage = shutil.disk_usage(folder)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(PipelineError) as caught:
        download(run)
    assert re.fullmatch(
        rf"{archive} unpacks to \d+ kB; 100 kB are free in {run.raw.folder}. "
        "Make room, or give a --work folder on a larger disk.",
        str(caught.value),
    )
    assert [*run.raw.folder.iterdir()] == []


def test_a_table_of_a_gigabyte_is_refused_before_it_is_read(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "LARGEST_TABLE", 5000)
    with pytest.raises(PipelineError, match="is not a table of this competition: it"):
        download(run)
