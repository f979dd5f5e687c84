import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.tables import read_fractions, read_ids, write_fractions
from pipeline.errors import PipelineError
from tests.miniature import some_fractions, write_zip

HEADER = (
    "GalaxyID,Class1.1,Class1.2,Class1.3,Class2.1,Class2.2,Class3.1,Class3.2,Class4.1,"
    "Class4.2,Class5.1,Class5.2,Class5.3,Class5.4,Class6.1,Class6.2,Class7.1,Class7.2,"
    "Class7.3,Class8.1,Class8.2,Class8.3,Class8.4,Class8.5,Class8.6,Class8.7,Class9.1,"
    "Class9.2,Class9.3,Class10.1,Class10.2,Class10.3,Class11.1,Class11.2,Class11.3,"
    "Class11.4,Class11.5,Class11.6"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    write_fractions(path, np.array([100_008, 100_023]), some_fractions(2))
    return path


def test_the_file_has_the_official_header_and_a_row_for_each_galaxy(
    table: Path,
) -> None:
    lines = table.read_text().splitlines()
    assert lines[0] == HEADER
    assert [line.split(",")[0] for line in lines[1:]] == ["100008", "100023"]


def test_what_is_written_is_read_back(table: Path) -> None:
    ids, fractions = read_fractions(table)
    assert ids.tolist() == [100_008, 100_023]
    np.testing.assert_allclose(fractions, some_fractions(2), atol=5e-8)


def test_kaggles_number_formats_and_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "official.csv"
    values = ["1", "0", "3.93E-04"] + ["0.123456789"] * 34
    path.write_bytes(f"{HEADER}\r\n7,{','.join(values)}\r\n".encode())
    ids, fractions = read_fractions(path)
    assert ids.tolist() == [7]
    assert fractions[0, :4].tolist() == [1, 0, 0.000393, 0.123456789]


def test_zipped_and_gzipped_tables_are_read(table: Path, tmp_path: Path) -> None:
    content = table.read_bytes()
    junk = {"__MACOSX/._table.csv": b"\x00junk"}
    write_zip(tmp_path / "table.zip", junk | {"table.csv": content})
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(content))
    expected = read_fractions(table)[1]
    for name in ("table.zip", "table.csv.gz"):
        np.testing.assert_array_equal(read_fractions(tmp_path / name)[1], expected)


@pytest.mark.parametrize("read", [read_fractions, read_ids])
def test_ids_that_are_not_integers_are_refused(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f"{HEADER}\n107462{',0' * 37}\n107463.9{',0' * 37}\n")
    with pytest.raises(PipelineError, match=r"first being 107463.9 \(1 in all\)"):
        read(path)


def test_a_sample_without_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text("100008,0\n100023,0\n")
    with pytest.raises(PipelineError, match="begin with the column GalaxyID. It has"):
        read_ids(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"none\.csv does not exist"):
        read_fractions(tmp_path / "none.csv")
