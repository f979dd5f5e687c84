"""Whatever users may have in the place of the competition's files, and what they see.

Each row of the table is one file spoiled, and the one line that says so. Where the line
is empty, the file is read, and the right way.
"""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from pipeline.data.archives import list_jpegs
from pipeline.data.tree import HEADER
from tests.miniature import (
    TEST_IDS,
    TRAIN_IDS,
    blob,
    some_fractions,
    spoil,
    write_zip,
    zip_csv,
)
from tests.terminal import Terminal

SOLUTIONS, SAMPLE = "training_solutions_rev1", "all_zeros_benchmark"
TRAIN, TEST = "images_training_rev1", "images_test_rev1"


class Case(NamedTuple):
    """A spoiled folder of competition files.

    Attributes:
        name: what is wrong with it.
        spoil: does so.
        says: the line after "error: ", or a warning; {} stands for the folder. Empty
            where all is well.
    """

    name: str
    spoil: Callable[[Path], object]
    says: str = ""


# labels


def rows_of(ids: np.ndarray, fractions: np.ndarray) -> list[list[str]]:
    cells = [[f"{value:.9f}" for value in row] for row in fractions]
    return [[str(galaxy), *row] for galaxy, row in zip(ids, cells, strict=True)]


ROWS = [[*HEADER], *rows_of(TRAIN_IDS, some_fractions(24))]


def text_of(rows: list[list[str]], comma: str = ",", end: str = "\r\n") -> str:
    return "".join(comma.join(row) + end for row in rows)


def labels(content: str | bytes) -> Callable[[Path], object]:
    """The solutions as a bare csv of some content, in the place of their zip."""

    def write(folder: Path) -> None:
        (folder / f"{SOLUTIONS}.zip").unlink()
        raw = content.encode() if isinstance(content, str) else content
        (folder / f"{SOLUTIONS}.csv").write_bytes(raw)

    return write


def table(change: Callable[[list[list[str]]], object]) -> Callable[[Path], object]:
    """The solutions, their rows of cells changed."""
    rows = [[*row] for row in ROWS]
    change(rows)
    return labels(text_of(rows))


def cell(row: int, column: int, value: str) -> Callable[[Path], object]:
    return table(lambda rows: rows[row].__setitem__(column, value))


def swap(rows: list[list[str]], one: int, other: int) -> None:
    for row in rows:
        row[one], row[other] = row[other], row[one]


def drop(rows: list[list[str]], column: int) -> None:
    for row in rows:
        del row[column]


CSV = "{}/training_solutions_rev1.csv"
LABELS_ZIP = "{}/training_solutions_rev1.zip"
TRAIN_ZIP, TEST_ZIP = "{}/images_training_rev1.zip", "{}/images_test_rev1.zip"
COLUMNS_DUE = f"{CSV} should have the 38 columns GalaxyID, Class1.1, ... Class11.6."
NUMBERS_DUE = f"{CSV} is not a table of numbers:"
SAVE = "Save it as CSV in UTF-8 with commas."
IDS_DUE = f"{CSV} has ids that are not integers of up to 15 digits, the first being"

LABELS = [
    Case("unchanged", table(lambda rows: None)),
    Case("line feeds", labels(text_of(ROWS, end="\n"))),
    Case("byte order mark", labels("\ufeff" + text_of(ROWS))),
    Case(
        "other capitals",
        table(lambda rows: rows.__setitem__(0, [name.upper() for name in rows[0]])),
    ),
    Case("quotes", labels(text_of([[f'"{part}"' for part in row] for row in ROWS]))),
    Case(
        "rows in another order",
        table(lambda rows: rows.__setitem__(slice(1, None), rows[:0:-1])),
    ),
    Case("blank lines", labels(text_of(ROWS) + "\r\n\r\n")),
    Case(
        "ids as floats",
        table(lambda rows: [row.__setitem__(0, row[0] + ".0") for row in rows[1:]]),
    ),
    Case(
        "exponents",
        table(
            lambda rows: [
                row.__setitem__(
                    slice(1, None), [f"{float(part):.9e}" for part in row[1:]]
                )
                for row in rows[1:]
            ]
        ),
    ),
    Case(
        "more galaxies than images",
        table(lambda rows: rows.append(["999999", *rows[1][1:]])),
        f"{TRAIN_ZIP} has 24 images for 25 labelled galaxies; the first without one "
        "is 999999. Training goes by those that are there; is it complete?",
    ),
    Case(
        "a column too few",
        table(lambda rows: drop(rows, 37)),
        f'{COLUMNS_DUE} Found 37: column 38 is missing, and should be "Class11.6".',
    ),
    Case(
        "a column gone from the middle",
        table(lambda rows: drop(rows, 5)),
        f'{COLUMNS_DUE} Found 37: column 6 is "Class3.1", and should be "Class2.2".',
    ),
    Case(
        "a column too many",
        table(lambda rows: [row.append("0") for row in rows]),
        f'{COLUMNS_DUE} Found 39: column 39 is "0", and is one too many.',
    ),
    Case(
        "a column renamed",
        cell(0, 7, "bar"),
        f'{COLUMNS_DUE} Found 38: column 8 is "bar", and should be "Class3.2".',
    ),
    Case(
        "blanks in the header",
        cell(0, 1, " Class1.1"),
        f'{COLUMNS_DUE} Found 38: column 2 is " Class1.1", and should be "Class1.1".',
    ),
    Case(
        "columns swapped far from the start",
        table(lambda rows: swap(rows, 35, 36)),
        f'{COLUMNS_DUE} Found 38: column 36 is "Class11.5", and should be "Class11.4".',
    ),
    Case(
        "a column twice",
        cell(0, 37, "Class11.5"),
        f'{COLUMNS_DUE} Found 38: column 38 is "Class11.5", and should be "Class11.6".',
    ),
    Case(
        "no header",
        table(lambda rows: rows.pop(0)),
        f'{COLUMNS_DUE} Found 38: column 1 is "100000", and should be "GalaxyID".',
    ),
    Case(
        "an index before the ids",
        table(
            lambda rows: [row.insert(0, str(number)) for number, row in enumerate(rows)]
        ),
        f'{COLUMNS_DUE} Found 39: column 1 is "0", and should be "GalaxyID".',
    ),
    Case(
        "a comma at the end of rows",
        table(lambda rows: [row.append("") for row in rows[1:]]),
        f"{NUMBERS_DUE} line 2 has 39 cells, the header 38 (a comma too many?).",
    ),
    Case(
        "a comma at the end of all rows",
        labels(text_of(ROWS, end=",\r\n")),
        f'{COLUMNS_DUE} Found 39: column 39 is "", and is one too many.',
    ),
    Case(
        "semicolons",
        labels(text_of(ROWS, comma=";")),
        f"{CSV} is not separated by commas. {SAVE}",
    ),
    Case(
        "tabs",
        labels(text_of(ROWS, comma="\t")),
        f"{CSV} is not separated by commas. {SAVE}",
    ),
    Case(
        "decimal commas",
        labels(text_of(ROWS, comma=";").replace(".", ",")),
        f"{CSV} is not separated by commas. {SAVE}",
    ),
    Case(
        "cut off within a row",
        labels(text_of(ROWS)[:-200]),
        f"{NUMBERS_DUE} line 25 has 22 cells, the header 38 (is the file cut off?).",
    ),
    Case(
        "cut off within the last number",
        labels(text_of(ROWS)[:-5]),
        f"{CSV} does not end with a line end: is its last row complete?",
    ),
    Case(
        "cut off between rows",
        labels(text_of(ROWS[:-1])),
        f"{CSV} has no row for 1 of 24 galaxies, the first being 100023. Is the file "
        "complete?",
    ),
    Case("empty", labels(""), f"{CSV} is not a readable CSV: it is empty."),
    Case("header only", labels(text_of(ROWS[:1])), f"{CSV} has a header, but no rows."),
    Case(
        "UTF-16",
        labels(text_of(ROWS).encode("utf-16")),
        f"{CSV} is not text in UTF-8. {SAVE}",
    ),
    Case("zeros", labels(bytes(2000)), f"{CSV} is not text in UTF-8. {SAVE}"),
    Case(
        "a web page",
        labels("<!doctype html><title>Sign in</title>"),
        f'{COLUMNS_DUE} Found 1: column 1 is "<!doctype html><title>Sign in</title>", '
        'and should be "GalaxyID".',
    ),
    Case(
        "a galaxy twice",
        table(lambda rows: rows.append(rows[3])),
        f"{CSV} has 1 row too many: galaxy 100002 stands there more than once.",
    ),
    Case("a fractional id", cell(3, 0, "100002.5"), f"{IDS_DUE} 100002.5 (1 in all)."),
    Case("no id", cell(3, 0, ""), f'{NUMBERS_DUE} line 4 has "" for GalaxyID.'),
    Case("a negative id", cell(3, 0, "-100002"), f"{IDS_DUE} -100002 (1 in all)."),
    Case("an id of 25 digits", cell(3, 0, "9" * 25), f"{IDS_DUE} 1e+25 (1 in all)."),
    Case(
        "a name as id",
        cell(3, 0, "100002.jpg"),
        f'{NUMBERS_DUE} line 4 has "100002.jpg" for GalaxyID.',
    ),
    Case(
        "NaN",
        cell(4, 9, "NaN"),
        f"{CSV} has an empty or infinite value at galaxy 100003, in Class4.2.",
    ),
    Case(
        "infinity",
        cell(4, 9, "inf"),
        f"{CSV} has an empty or infinite value at galaxy 100003, in Class4.2.",
    ),
    Case("an empty cell", cell(4, 9, ""), f'{NUMBERS_DUE} line 5 has "" for Class4.2.'),
    Case(
        "a negative fraction",
        cell(4, 9, "-0.1"),
        f"{CSV} has fractions outside 0 to 1 in 1 row, the first being galaxy 100003.",
    ),
    Case(
        "above 1",
        cell(4, 9, "1.2"),
        f"{CSV} has fractions outside 0 to 1 in 1 row, the first being galaxy 100003.",
    ),
    Case("text", cell(4, 9, "many"), f'{NUMBERS_DUE} line 5 has "many" for Class4.2.'),
    Case(
        "true and false",
        cell(4, 9, "True"),
        f'{NUMBERS_DUE} line 5 has "True" for Class4.2.',
    ),
    Case(
        "an underscore in a number",
        cell(4, 9, "0_1"),
        f'{NUMBERS_DUE} line 5 has "0_1" for Class4.2.',
    ),
    Case(
        "400 digits",
        cell(4, 9, "9" * 400),
        f"{CSV} has an empty or infinite value at galaxy 100003, in Class4.2.",
    ),
    Case("an open quote", cell(4, 9, '"0.1'), f"{NUMBERS_DUE} line 25 "),
    Case(
        "the same fractions for all",
        table(
            lambda rows: [
                row.__setitem__(slice(1, 38), rows[1][1:]) for row in rows[1:]
            ]
        ),
        f"{CSV} has the same fractions for all 24 galaxies to learn from, so there is "
        "nothing to learn. Is it the right file?",
    ),
    Case(
        "zeros for all",
        table(
            lambda rows: [row.__setitem__(slice(1, 38), ["0"] * 37) for row in rows[1:]]
        ),
        f"{CSV} has the same fractions for all 24 galaxies to learn from, so there is "
        "nothing to learn. Is it the right file?",
    ),
    Case(
        "sums that break the tree",
        cell(1, 1, "1"),
        f"{CSV} breaks the decision tree at 1 galaxy, the first being 100000: answers "
        "do not sum to the one that leads to them.",
    ),
]


# zips


def zip_of(name: str, members: dict[str, bytes]) -> Callable[[Path], object]:
    return lambda folder: write_zip(folder / f"{name}.zip", members)


def with_members(name: str, members: dict[str, bytes]) -> Callable[[Path], object]:
    return lambda folder: spoil(folder / f"{name}.zip", members)


def bytes_changed(
    name: str, change: Callable[[bytes], bytes]
) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        path = folder / f"{name}.zip"
        path.write_bytes(change(path.read_bytes()))

    return write


def patched(start: bytes, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """Bytes changed behind the first place where others begin."""

    def patch(content: bytes) -> bytes:
        place = content.index(start) + offset
        return content[:place] + value + content[place + len(value) :]

    return patch


def patched_throughout(start: bytes, offset: int, value: bytes) -> Callable:
    """The same behind every place."""

    def patch(content: bytes) -> bytes:
        parts = content.split(start)
        rest = [part[: offset - 4] + value + part[offset - 3 :] for part in parts[1:]]
        return start.join([parts[0], *rest])

    return patch


LOCAL, DIRECTORY = b"PK\3\4", b"PK\1\2"  # what each entry of a zip begins with
TABLE = text_of(ROWS).encode()


def renamed(folder: Path, new: str) -> None:
    """Every member of the training images under another name; {} is the galaxy."""
    path = folder / f"{TRAIN}.zip"
    with zipfile.ZipFile(path) as archive:
        jpegs = {
            galaxy: archive.read(name) for galaxy, name in list_jpegs(path).items()
        }
    path.unlink()
    write_zip(path, {new.format(galaxy): jpeg for galaxy, jpeg in jpegs.items()})


def doubled(folder: Path) -> None:
    with (
        zipfile.ZipFile(folder / f"{TRAIN}.zip", "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr(f"{TRAIN}/100003.jpg", blob(50))


def deflated_and_damaged(folder: Path) -> None:
    path = folder / f"{SOLUTIONS}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{SOLUTIONS}.csv", TABLE)
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\xff" * 200 + content[400:])


def lzma_and_damaged(folder: Path) -> None:
    path = folder / f"{SOLUTIONS}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(f"{SOLUTIONS}.csv", TABLE)
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\xff" * 200 + content[400:])


def name_damaged(content: bytes) -> bytes:
    """The first name has a byte that is not UTF-8, though it is said to be."""
    for start, flags, name in ((LOCAL, 6, 30), (DIRECTORY, 8, 46)):
        content = patched(start, flags, b"\0\x08")(content)
        content = patched(start, name, b"\xff")(content)
    return content


def linked(folder: Path) -> None:
    """A member that is a link, as Unix zips keep them."""
    with zipfile.ZipFile(folder / f"{SAMPLE}.zip", "a") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")


def unpacked(folder: Path, name: str) -> None:
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        archive.extractall(folder)


def corrected(folder: Path) -> None:
    unpacked(folder, SOLUTIONS)


def truncated_beside_folder(folder: Path) -> None:
    unpacked(folder, TEST)
    path = folder / f"{TEST}.zip"
    path.write_bytes(path.read_bytes()[:-500])


def some_images(folder: Path) -> None:
    unpacked(folder, TRAIN)
    (folder / f"{TRAIN}.zip").unlink()
    for galaxy in TRAIN_IDS[10:]:
        (folder / TRAIN / f"{galaxy}.jpg").unlink()


def everything(folder: Path, inner: str = "") -> None:
    names = sorted(folder.glob("*.zip"))
    with zipfile.ZipFile(folder / "galaxy-zoo-the-galaxy-challenge.zip", "w") as outer:
        for path in names:
            outer.write(path, f"{inner}{path.name}")
    for path in names:
        path.unlink()


def half_linked(folder: Path) -> None:
    """Half of the images lie on another disk, in a folder that is linked twice."""
    some_images(folder)
    elsewhere = folder.parent / "another disk"
    with zipfile.ZipFile(folder.parent / "all.zip", "w") as archive:
        for galaxy in TRAIN_IDS[10:]:
            archive.writestr(f"{galaxy}.jpg", blob(galaxy % 97 + 100))
        archive.extractall(elsewhere)
    for name in ("more", "the same"):
        (folder / TRAIN / name).symlink_to(elsewhere)
    (elsewhere / "itself").symlink_to(elsewhere)


def linked_to_what_is_around(folder: Path) -> None:
    unpacked(folder, TRAIN)
    (folder / f"{TRAIN}.zip").unlink()
    (folder / TRAIN / "up").symlink_to("..")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def everything_beside_a_table(folder: Path) -> None:
    unpacked(folder, SAMPLE)
    everything(folder)


ZIPS = [
    Case("nested folders", lambda folder: renamed(folder, "a/b/c/{}.jpg")),
    Case("no folder", lambda folder: renamed(folder, "{}.jpg")),
    Case("capitals in the endings", lambda folder: renamed(folder, "x/{}.JPG")),
    Case("jpeg as ending", lambda folder: renamed(folder, "x/{}.jpeg")),
    Case("backslashes", lambda folder: renamed(folder, "x\\{}.jpg")),
    Case("members outside", lambda folder: renamed(folder, "../../{}.jpg")),
    Case("absolute members", lambda folder: renamed(folder, "/etc/{}.jpg")),
    Case(
        "what macOS adds",
        with_members(TRAIN, {"__MACOSX/100003.jpg": b"x", ".hidden/100003.jpg": b"x"}),
    ),
    Case(
        "a link beside a table",
        linked,
        "{}/all_zeros_benchmark.zip: all_zeros_benchmark.csv counts, by its name; not "
        "read: link.csv",
    ),
    Case(
        "a table in capitals", zip_of(SOLUTIONS, {"TRAINING_SOLUTIONS_REV1.CSV": TABLE})
    ),
    Case("a table of another name", zip_of(SOLUTIONS, {"labels.csv": TABLE})),
    Case(
        "an old table before the official one",
        zip_of(
            SOLUTIONS,
            {"old/training_solutions.csv": b"GalaxyID\n1\n", f"{SOLUTIONS}.csv": TABLE},
        ),
        f"{LABELS_ZIP}: training_solutions_rev1.csv counts, by its name; not read: "
        "old/training_solutions.csv",
    ),
    Case(
        "two tables of the official name",
        zip_of(SOLUTIONS, {f"old/{SOLUTIONS}.csv": TABLE, f"{SOLUTIONS}.csv": TABLE}),
        f"{LABELS_ZIP} holds 2 tables: old/training_solutions_rev1.csv and "
        "training_solutions_rev1.csv. Leave just the one that counts.",
    ),
    Case(
        "two tables of other names",
        zip_of(SOLUTIONS, {"a.csv": TABLE, "b.csv": TABLE}),
        f"{LABELS_ZIP} holds 2 tables: a.csv and b.csv. Leave just the one that "
        "counts.",
    ),
    Case(
        "many tables of other names",
        zip_of(SOLUTIONS, {f"{number}.csv": TABLE for number in range(9)}),
        f"{LABELS_ZIP} holds 9 tables: 0.csv, 1.csv, 2.csv and 6 more. Leave just the "
        "one that counts.",
    ),
    Case(
        "no table",
        zip_of(SOLUTIONS, {"readme.txt": b"x"}),
        f"{LABELS_ZIP} is not a readable CSV: no .csv inside.",
    ),
    Case(
        "an empty zip",
        zip_of(SOLUTIONS, {}),
        f"{LABELS_ZIP} is not a readable CSV: no .csv inside.",
    ),
    Case(
        "no images",
        zip_of(TEST, {"readme.txt": b"x"}),
        f"{TEST_ZIP} holds no galaxies: no files like 100008.jpg.",
    ),
    Case(
        "the same ids in two folders",
        with_members(TRAIN, {"old/100003.jpg": blob(9)}),
        f"{TRAIN_ZIP} holds galaxy 100003 twice: images_training_rev1/100003.jpg and "
        "old/100003.jpg. Take one of the two away.",
    ),
    Case(
        "a member twice",
        doubled,
        f"{TRAIN_ZIP} holds galaxy 100003 twice: images_training_rev1/100003.jpg and "
        "images_training_rev1/100003.jpg. Take one of the two away.",
    ),
    Case(
        "an id with a leading zero",
        with_members(TRAIN, {f"{TRAIN}/0100003.jpg": blob(9)}),
        f"{TRAIN_ZIP} holds galaxy 100003 twice: images_training_rev1/100003.jpg and "
        "images_training_rev1/0100003.jpg. Take one of the two away.",
    ),
    Case(
        "truncated",
        bytes_changed(TEST, lambda content: content[:-500]),
        f"{TEST_ZIP} is not a complete zip file (41790 bytes): File is not a zip "
        "file. Fetch it again.",
    ),
    Case(
        "a web page",
        bytes_changed(TEST, lambda content: b"<html>sign in</html>"),
        f"{TEST_ZIP} is not a complete zip file (20 bytes): File is not a zip file. "
        "Fetch it again.",
    ),
    Case(
        "no bytes",
        bytes_changed(TEST, lambda content: b""),
        f"{TEST_ZIP} is not a complete zip file (0 bytes): File is not a zip file. "
        "Fetch it again.",
    ),
    Case(
        "a table of an unknown compression",
        bytes_changed(
            SOLUTIONS,
            lambda content: patched(DIRECTORY, 10, b"\x09\0")(
                patched(LOCAL, 8, b"\x09\0")(content)
            ),
        ),
        f"{LABELS_ZIP} is not a readable CSV: its compression (deflate64, for one) is "
        "not supported. Unpack it with the program that made it.",
    ),
    Case(
        "an encrypted table",
        bytes_changed(
            SOLUTIONS,
            lambda content: patched(DIRECTORY, 8, b"\1\0")(
                patched(LOCAL, 6, b"\1\0")(content)
            ),
        ),
        f"{LABELS_ZIP} is not a readable CSV: it is encrypted. Unpack it with its "
        "password.",
    ),
    Case(
        "images of an unknown compression",
        bytes_changed(TEST, patched_throughout(DIRECTORY, 10, b"\x09")),
        f"{TEST_ZIP} cannot be read: its compression (deflate64, for one) is not "
        "supported. Unpack it with the program that made it.",
    ),
    Case(
        "encrypted images",
        bytes_changed(TRAIN, patched_throughout(DIRECTORY, 8, b"\x01")),
        f"{TRAIN_ZIP} cannot be read: it is encrypted. Unpack it with its password.",
    ),
    Case(
        "a damaged name",
        bytes_changed(TRAIN, name_damaged),
        f"{TRAIN_ZIP} is not a complete zip file (166257 bytes): a name in it is "
        "damaged. Fetch it again.",
    ),
    Case(
        "an entry of an unknown version",
        bytes_changed(TRAIN, patched(DIRECTORY, 6, b"\xff\0")),
        f"{TRAIN_ZIP} is not a complete zip file (166257 bytes): zip file version "
        "25.5. Fetch it again.",
    ),
    Case(
        "a table with a damaged stream",
        bytes_changed(
            SOLUTIONS, lambda content: patched(b"GalaxyID", 3, b"???")(content)
        ),
        f"{LABELS_ZIP} is not a readable CSV: Bad CRC-32 for file "
        "'training_solutions_rev1.csv'.",
    ),
    Case(
        "a table with a damaged compressed stream",
        deflated_and_damaged,
        f"{LABELS_ZIP} is not a readable CSV: Error -3 while decompressing data: "
        "invalid ",
    ),
    Case(
        "a table with a damaged LZMA stream",
        lzma_and_damaged,
        f"{LABELS_ZIP} is not a readable CSV: Corrupt input data.",
    ),
    Case(
        "a corrected csv beside its zip",
        corrected,
        f"{LABELS_ZIP} counts, since a zip is as Kaggle ships it; "
        "training_solutions_rev1.csv beside it is not read",
    ),
    Case(
        "a truncated zip beside the whole folder",
        truncated_beside_folder,
        "{}/images_test_rev1 counts, since the zip is damaged; images_test_rev1.zip "
        "beside it is not read",
    ),
    Case(
        "10 of 24 images, as a broken unzip leaves",
        some_images,
        "{}/images_training_rev1 has 10 images for 24 labelled galaxies; the first "
        "without one is 100010. Training goes by those that are there; is it "
        "complete?",
    ),
    Case("half of the images in a linked folder", half_linked),
    Case(
        "a link to the folder around the images",
        linked_to_what_is_around,
        "{}/images_training_rev1/up leads to {}, around {}/images_training_rev1; it is "
        "not read",
    ),
    Case(
        "test images missing",
        zip_of(TEST, {f"{galaxy}.jpg": blob(99) for galaxy in TEST_IDS[1:]}),
        "The test images and the sample submission differ in 1 galaxy, the first "
        "being 200000. Is the download complete?",
    ),
    Case(
        "a sample of other galaxies",
        lambda folder: zip_csv(
            folder / f"{SAMPLE}.zip", TEST_IDS + 1, np.zeros((6, 37))
        ),
        "The test images and the sample submission differ in 2 galaxies, the first "
        "being 200000. Is the download complete?",
    ),
    Case(
        "one training image",
        zip_of(TRAIN, {f"{TRAIN_IDS[0]}.jpg": blob(99)}),
        f"Of the galaxies in {LABELS_ZIP} just 1 is left to learn from. Train on more.",
    ),
    Case(
        "train and test share ids",
        with_members(TEST, {f"{TEST}/100003.jpg": blob(9)}),
        "1 galaxy of the training images are among the test images too, the first "
        "being 100003. Take them out of one of the two.",
    ),
    Case(
        "labels for other images",
        lambda folder: zip_csv(
            folder / f"{SOLUTIONS}.zip", TRAIN_IDS + 500, some_fractions(24)
        ),
        f"{LABELS_ZIP} has no row for 24 of 24 galaxies, the first being 100000. Is "
        "the file complete?",
    ),
    Case("everything in one zip", everything),
    Case("everything in a folder in one zip", lambda folder: everything(folder, "gz/")),
    Case(
        "everything beside one unpacked table",
        everything_beside_a_table,
        "all_zeros_benchmark.csv count; what {}/galaxy-zoo-the-galaxy-challenge.zip "
        "may hold in their place is not read",
    ),
    Case(
        "a second download of a browser",
        lambda folder: (folder / f"{SOLUTIONS} (1).zip").write_bytes(b"PK"),
        f"{LABELS_ZIP} counts, since it has Kaggle's name; training_solutions_rev1 "
        "(1).zip beside it is not read",
    ),
    Case(
        "a pipe in the place of a zip",
        lambda folder: piped(folder / f"{TEST}.zip"),
        "{} lacks images_test_rev1 (.zip, or unpacked). It should hold",
    ),
    Case(
        "zips in capitals",
        lambda folder: [
            path.rename(path.with_suffix(".ZIP")) for path in [*folder.glob("*.zip")]
        ],
    ),
]


@pytest.mark.parametrize("case", LABELS + ZIPS, ids=lambda case: case.name)
def test_what_is_wrong_with_a_file_is_said_by_download(
    terminal: Terminal, folder: Path, case: Case
) -> None:
    case.spoil(folder)
    code = terminal.type("download", "--source", str(folder), "--preset=tiny")
    says = case.says.replace("{}", str(folder))
    assert says in terminal.err
    refused = f"error: {says}" in terminal.err
    assert code == refused if says else terminal.err.count("\n") == 2
    if code == 0:
        assert terminal.run.raw.result["num_test"] == 6


# images


def picture(
    mode: str = "RGB", size: int = 424, kind: str = "JPEG", **more: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (size, size), 90).save(out, kind, **more)
    return out.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter before it is shown
    return picture(exif=exif)


def of_size(width: int, height: int) -> bytes:
    """A jpg that says it has this size."""
    jpeg = blob(90)
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def local_header_damaged(folder: Path) -> None:
    name = f"{TRAIN}/100003.jpg".encode()
    path = folder / f"{TRAIN}.zip"
    content = path.read_bytes()
    start = content.index(name) - 30
    path.write_bytes(content[:start] + b"xx" + content[start + 2 :])


def jpeg(content: bytes) -> Callable[[Path], object]:
    return with_members(TRAIN, {f"{TRAIN}/100003.jpg": content})


def unpacked_and(spoil: Callable[[Path], object]) -> Callable[[Path], object]:
    """Spoils an image of a folder."""

    def unpack_and_spoil(folder: Path) -> None:
        unpacked(folder, TRAIN)
        (folder / f"{TRAIN}.zip").unlink()
        spoil(folder / TRAIN / "100003.jpg")

    return unpack_and_spoil


def linked_to(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def bomb(folder: Path) -> None:
    """A member of 200 kB that unpacks to 200 MB."""
    path = folder / f"{TRAIN}.zip"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            huge = bytes(200_000_000) if name.endswith("/100003.jpg") else content
            archive.writestr(name, huge)


IMAGES = [
    Case("in order", jpeg(picture())),
    Case("to be turned", jpeg(turned())),
    Case("progressive", jpeg(picture(progressive=True))),
    Case("empty", jpeg(b""), "empty file"),
    Case(
        "truncated",
        jpeg(blob(90)[:3000]),
        "is a damaged JPEG (Premature end of JPEG file)",
    ),
    Case("grey", jpeg(picture("L")), "grey instead of colour"),
    Case("four colours", jpeg(picture("CMYK")), "CMYK instead of colour"),
    Case("a png", jpeg(picture(kind="PNG")), "is not a JPEG (it looks like PNG)"),
    Case("a gif", jpeg(picture("L", kind="GIF")), "is not a JPEG (it looks like GIF)"),
    Case(
        "a web page",
        jpeg(b"<html>404</html>"),
        "is not a JPEG (it looks like a web page)",
    ),
    Case("text", jpeg(b"a galaxy"), "is not a JPEG"),
    Case("1 x 1", jpeg(picture(size=1)), "1 x 1 px instead of 424 x 424"),
    Case("423 x 423", jpeg(picture(size=423)), "423 x 423 px instead of 424 x 424"),
    Case(
        "10000 x 10000",
        jpeg(of_size(10_000, 10_000)),
        "10000 x 10000 px instead of 424 x 424",
    ),
    Case(
        "the start alone",
        jpeg(b"\xff\xd8"),
        "is a damaged JPEG (Could not determine subsampling level of JPEG image)",
    ),
    Case(
        "a pipe", unpacked_and(piped), "is not a file, but a folder, a pipe or a device"
    ),
    Case(
        "a link to nothing",
        unpacked_and(lambda path: linked_to(path, "nothing")),
        "cannot be read (No such file or directory)",
    ),
    Case(
        "a link to itself",
        unpacked_and(lambda path: linked_to(path, path.name)),
        "cannot be read (Too many levels of symbolic links)",
    ),
    Case("a bomb", bomb, "200,000,000 bytes, more than a galaxy has"),
    Case(
        "a damaged local header",
        local_header_damaged,
        "Bad magic number for file header",
    ),
]


@pytest.mark.parametrize("case", IMAGES, ids=lambda case: case.name)
def test_what_is_wrong_with_an_image_is_said_by_preprocess(
    terminal: Terminal, folder: Path, case: Case
) -> None:
    case.spoil(folder)
    source = ("--source", str(folder), "--preset=tiny")
    assert terminal.type("download", *source) == 0
    assert terminal.type("preprocess", "--set=preprocess.shard_size=1000") == 0
    said = f"bad image 100003.jpg: {case.says}; left out" if case.says else ""
    assert said in terminal.err
    bad = terminal.run.shards("train").result["bad"]
    assert [*bad] == (["100003"] if case.says else [])


# settings

SETTINGS = [
    ("", ""),
    ("[train]\nepochs = 3\n", ""),
    ("\ufeff[train]\nepochs = 3\n", ""),
    ("[train]\nepoch = 3\n", 'Unknown setting "train.epoch". '),
    ("[trian]\nepochs = 3\n", 'Unknown setting "trian.epochs": there is no section'),
    ("epochs = 3\n", 'Unknown setting "epochs". '),
    ("train.epochs = '3'\n", 'train.epochs takes an integer. Got "3".'),
    ("train.epochs = 3.5\n", 'train.epochs takes an integer. Got "3.5".'),
    ("train.epochs = true\n", 'train.epochs takes an integer. Got "True".'),
    ("train.epochs = [3]\n", 'train.epochs takes an integer. Got "[3]".'),
    ("train.epochs = 2024-01-01\n", 'train.epochs takes an integer. Got "2024-01-01".'),
    ("train.epochs = 0\n", "train.epochs must be at least 1."),
    (f"train.epochs = {10**30}\n", "train.epochs takes an integer"),
    (f"train.zoom = {'9' * 400}\n", "train.zoom takes a number. "),
    ("train.learning_rate = nan\n", 'train.learning_rate takes a number. Got "nan".'),
    ("train.learning_rate = inf\n", 'train.learning_rate takes a number. Got "inf".'),
    ("train.learning_rate = -1\n", "train.learning_rate must be 1e-07 or more."),
    ("train.model = 'vgg'\n", "train.model takes one of compact, sirressi2020, "),
    ("train.rotate = 1\n", 'train.rotate takes true or false. Got "1".'),
    ("train = 3\n", 'Unknown setting "train". '),
    ("train.epochs.more = 3\n", 'train.epochs takes an integer. Got "{'),
    ("source = 3\n", 'source takes a string. Got "3".'),
    ("preset = 'huge'\n", 'Unknown preset "huge". '),
    ("[[train]]\nepochs = 3\n", 'Unknown setting "train". '),
    ("train.epochs = \n", "is not valid TOML: Invalid value"),
    ("train.epochs = 3\ntrain.epochs = 4\n", "is not valid TOML: Cannot overwrite"),
    ("\0", "is not valid TOML: "),
]


@pytest.mark.parametrize(("text", "says"), SETTINGS)
def test_what_is_wrong_with_a_file_of_settings_is_said_at_once(
    terminal: Terminal, folder: Path, text: str, says: str
) -> None:
    file = folder.parent / "settings.toml"
    file.write_text(text, encoding="utf-8")
    words = ("--source", str(folder), "--config", str(file))
    code = terminal.type("all", "--dry-run", *words)
    assert (code == 0) == (not says)
    if says:
        assert says in terminal.error
        assert not terminal.work.exists()
