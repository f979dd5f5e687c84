import zipfile
from pathlib import Path

import pytest

from pipeline.sources import fingerprint
from tests.terminal import Terminal


def test_an_unpacked_source_is_walked_once(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for images in folder.glob("images_*.zip"):
        with zipfile.ZipFile(images) as archive:
            archive.extractall(folder)
        images.unlink()
    words = ("--source", str(folder), "--preset=tiny")
    assert terminal.type("download", *words) == 0
    assert terminal.type("preprocess", "--set=preprocess.image_size=16") == 0
    walked, scan = [], fingerprint.os.scandir
    monkeypatch.setattr(
        fingerprint.os, "scandir", lambda path: walked.append(Path(path)) or scan(path)
    )
    read = []
    monkeypatch.setattr(fingerprint, "size_and_crc", read.append)
    assert terminal.type("status") == 0
    inside = [path for path in walked if path.is_relative_to(folder)]
    assert len(inside) == len(set(inside)) == 2  # a folder of each set
    assert not read
