"""Bytes that nobody meant: whatever is read ends well, or in one line.

A short look by default; `./run.sh test -k fuzz --fuzz 250000` looks long.
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.data.archives import file_reader, list_jpegs, open_zip_as_it_is
from pipeline.data.images import BadImage, prepare
from pipeline.data.splits import read_targets
from pipeline.data.submission import check_submission
from pipeline.data.tables import read_fractions, read_ids
from pipeline.data.tree import HEADER
from pipeline.errors import PipelineError
from pipeline.output import warn_once
from pipeline.runs.graph import Run
from pipeline.settings.parsing import parse_settings, read_settings_file
from pipeline.settings.schema import all_settings, make_settings
from pipeline.sources.integrity import zip_trouble
from tests.miniature import TEST_IDS, blob, some_fractions

COMPRESSIONS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
TELLING = (  # what means something in one of the formats
    *(b",", b"\n", b"\r\n", b'"', b";", b"\0", b"\xff", b"\xef\xbb\xbf", b" ", b"#"),
    *(b"nan", b"inf", b"-", b"1e999", b"9" * 30, b"0x1", b"True", b"1_0", b"\xc3"),
    *(b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"\x09\0", b"\xff\xff\xff\xff"),
    *(b"[", b"]", b"{", b"}", b"=", b"'", b"[[", b"#", b".", b"true", b"1979-05-27"),
    *(b"../", b"/", b"\\", b".jpg", b".csv", b"__MACOSX/", b"\x1b[31m"),
)
Edit = tuple[float, int, bytes]


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """Bytes with others put in at some places, or in the place of a few."""
    for share, num_removed, new in edits:
        place = round(share * len(content))
        content = content[:place] + new + content[place + num_removed :]
    return content


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 40),
        st.one_of(st.sampled_from(TELLING), st.binary(max_size=8)),
    ),
    max_size=4,
)


def table_bytes() -> bytes:
    rows = zip(TEST_IDS, some_fractions(6), strict=True)
    lines = [",".join(map(str, [galaxy, *row.round(3)])) for galaxy, row in rows]
    return "\r\n".join([",".join(HEADER), *lines, ""]).encode()


def zip_bytes(members: dict[str, bytes], compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


TABLE = table_bytes()
TABLES = {  # a table in every form, by the name of its file
    "table.csv": [TABLE],
    "table.csv.gz": [gzip.compress(TABLE)],
    "table.zip": [zip_bytes({"table.csv": TABLE}, kind) for kind in COMPRESSIONS],
}
JPEG = blob(90)
IMAGES = {f"images/{galaxy}.jpg": JPEG for galaxy in (100_008, 100_023)}
IMAGE_ZIPS = [zip_bytes(IMAGES, kind) for kind in COMPRESSIONS]
TOML = b"""source = "demo"
preset = "tiny"
[train]
epochs = 3
learning_rate = 1e-3
rotate = true
model = "compact"
[predict]
num_rotations = 4
blend_with = ""
"""
WORDS = st.tuples(
    st.sampled_from([*all_settings(), "train", "", "train.", "trian.epochs"]),
    st.sampled_from(["=", "", " = ", "=="]),
    st.one_of(
        st.text(max_size=8),
        st.integers().map(str),
        st.floats().map(str),
        st.sampled_from(["true", "none", "9" * 5000, "1e400", "-1", "\0", "~/x"]),
    ),
)


@pytest.fixture
def often(request: pytest.FixtureRequest) -> Callable[[Callable], Callable]:
    """Tries a function with as many inputs as the command line asks for."""
    return settings(
        max_examples=request.config.getoption("--fuzz"),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def forget() -> None:
    """What was read from a file of the same name, size and time before."""
    open_zip_as_it_is.cache_clear()
    warn_once.cache_clear()


def test_fuzz_a_table(often: Callable, tmp_path: Path) -> None:
    @often
    @given(st.sampled_from([*TABLES]), st.integers(0, 3), EDITS, EDITS)
    def attempt(name: str, number: int, edits: list[Edit], inner: list[Edit]) -> None:
        path, kinds = tmp_path / name, TABLES[name]
        content = kinds[number % len(kinds)]
        if name.endswith(".zip") and inner:
            members = {"table.csv": edited(TABLE, inner)}
            content = zip_bytes(members, COMPRESSIONS[number])
        path.write_bytes(edited(content, edits))
        for read in (read_fractions, read_targets, read_ids):
            forget()
            with suppress(PipelineError):
                check_result(read(path))

    attempt()


def check_result(read: object) -> None:
    """What was read without an error is what the pipeline relies on."""
    ids, fractions = read if isinstance(read, tuple) else (read, np.zeros(1))
    assert ids.dtype == np.int64
    assert (ids >= 0).all()
    assert np.isfinite(fractions).all()


def test_fuzz_a_zip_of_images(often: Callable, tmp_path: Path) -> None:
    path = tmp_path / "images.zip"

    @often
    @given(st.integers(0, 3), EDITS)
    def attempt(number: int, edits: list[Edit]) -> None:
        path.write_bytes(edited(IMAGE_ZIPS[number], edits))
        forget()
        with suppress(PipelineError):
            read = file_reader(path)
            for name in list_jpegs(path).values():
                with suppress(BadImage):
                    assert prepare(read(name), 212, 16).shape == (16, 16, 3)
        zip_trouble(path)

    attempt()


def test_fuzz_a_submission(often: Callable, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"

    @often
    @given(EDITS)
    def attempt(edits: list[Edit]) -> None:
        path.write_bytes(edited(TABLE, edits))
        forget()
        with suppress(PipelineError):
            check_submission(path, run.raw.find("sample"))
            ids, fractions = read_fractions(path)
            assert sorted(ids) == TEST_IDS.tolist()
            assert ((fractions >= 0) & (fractions <= 1)).all()

    attempt()


def test_fuzz_settings(often: Callable, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"

    @often
    @given(EDITS, st.lists(WORDS, max_size=2))
    def attempt(edits: list[Edit], words: list[tuple[str, str, str]]) -> None:
        path.write_bytes(edited(TOML, edits))
        values = {}
        with suppress(PipelineError):
            values = parse_settings(["".join(parts) for parts in words])
        with suppress(PipelineError):
            file = read_settings_file(path)
            made = make_settings("demo", file.preset or "tiny", file.values | values)
            assert made.train.epochs >= 1

    attempt()
