"""Our own files, damaged behind our back: told, made anew, and never obeyed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.files import write_json
from pipeline.runs.paths import receipt_file, shard_file
from pipeline.runs.receipts import KEYS
from tests.miniature import TEST_IDS
from tests.terminal import Terminal

READING = (
    *(("status",), ("runs",), ("settings",), ("leaderboard",)),
    *(("show", str(TEST_IDS[0])), ("all", "--dry-run")),
)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def turned(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CASES = (
    ("raw/*/receipt.json", nested),
    ("shards/train-*/receipt.json", flipped),
    ("shards/train-*/ids.npy", turned),
    ("shards/train-*/00000.npy", turned),
    ("shards/test-*/ids.npy", a_folder),
    ("models/*/receipt.json", turned),
    ("models/*/model.keras", flipped),
    ("models/*/history.csv", nested),
    ("held_out/*/held_out.npz", flipped),
    ("held_out/*/receipt.json", a_folder),
    ("predictions/*/predictions.npz", turned),
    ("predictions/*/receipt.json", cut),
    ("submission/*/receipt.json", emptied),
    ("settings.toml", nested),
    ("galaxy-zoo.json", turned),
    ("runs/*.toml", flipped),
    ("lock", flipped),
    ("lock", piped),
    ("settings.toml", piped),
    ("galaxy-zoo.json", piped),
    ("predictions/*/receipt.json", piped),
    ("models/*/model.keras", piped),
)


@pytest.mark.parametrize(("pattern", "how"), CASES)
def test_a_damaged_file_is_told_in_a_line_or_made_anew(
    later: Terminal, pattern: str, how: Callable[[Path], None]
) -> None:
    csv = later.submissions / later.run.submission.result["csv"]
    before = csv.read_bytes()
    (file,) = later.work.glob(pattern)
    how(file)
    for words in READING:
        if later.type(*words) != 0:
            assert later.error
    # what keeps its size is seen by who reads it, or by verify
    for command in ("all", "all", "verify"):
        code = later.type(command)
        if code != 0:
            assert str(file.parent) in later.error
    assert csv.read_bytes() == before


@pytest.mark.parametrize("split", ["train", "test"])
def test_other_images_of_the_same_size_are_not_used(
    later: Terminal, split: str
) -> None:
    shards = later.run.shards(split)
    file = shard_file(shards.folder, 0)
    flipped(file)
    for command in ("train", "predict") if split == "train" else ("predict",):
        assert later.type(command, "--force") == 1
        assert later.error == (
            f'{file} is not what was made there. Run "./run.sh preprocess --force '
            f'--work {later.work}" to make it anew.'
        )
    assert later.type("preprocess", "--force") == 0
    assert later.type("predict", "--force") == 0


@pytest.mark.parametrize(
    "receipt",
    [
        {"files": {"../../../thesis.tex": {"size": 5, "sha256": "0"}}},
        {"files": {"predictions.npz": {"size": "large"}}},
        {"files": [1, 2]},
        {"inputs": 7},
        {"result": {"num_images": "many"}},
        {"result": None},
        {"made": {}},
    ],
)
def test_a_receipt_that_was_edited_is_damage(
    later: Terminal, receipt: dict[str, object]
) -> None:
    item = later.run.predictions
    write_json(receipt_file(item.folder), item.receipt | receipt)
    assert item.receipt is None
    assert later.states()[item.name] == "damaged"
    assert later.type("runs") == 0


def test_what_an_earlier_version_made_is_not_made_again(later: Terminal) -> None:
    for item in later.run.artifacts:
        if item.receipt:
            receipt = {key: item.receipt[key] for key in KEYS}
            write_json(receipt_file(item.folder), receipt)
    assert set(later.states().values()) == {"done"}
    assert later.type("all") == 0
    assert later.err.count("is up to date") == len(later.run.artifacts)
    receipt["files"] = [1, 2]
    write_json(receipt_file(item.folder), receipt)
    assert item.receipt is None
