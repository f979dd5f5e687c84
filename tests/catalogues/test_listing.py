"""Which pictures a folder, a zip or a table holds, and what they are called."""

import gzip
from pathlib import Path

import pytest

from pipeline.catalogues.listing import Columns, Listing, list_pictures
from pipeline.errors import Misuse, PipelineError
from tests.miniature import write_zip

NONE = Columns()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures, and of what systems add."""
    folder = tmp_path / "survey"
    for name in (
        *("J0123+45.png", "deep/NGC 1.jpg", "deep/b.JPEG", "c.npy"),
        *("notes.txt", "._J0123+45.png", "__MACOSX/c.npy", "deep/Thumbs.db"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_folder_gives_names_without_their_endings(pictures: Path) -> None:
    found = list_pictures(pictures, NONE)
    assert [*found.ids] == ["J0123+45", "c", "NGC 1", "b"]
    assert found.reader()("deep/NGC 1.jpg") == b"deep/NGC 1.jpg"


def test_a_zip_gives_the_same_as_a_folder(pictures: Path, tmp_path: Path) -> None:
    members = {
        str(file.relative_to(pictures)): file.read_bytes()
        for file in pictures.rglob("*")
        if file.is_file()
    }
    write_zip(tmp_path / "survey.zip", members)
    found, expected = list_pictures(tmp_path / "survey.zip", NONE), pictures
    assert found[1:] == list_pictures(expected, NONE)[1:]
    assert found.digest == list_pictures(expected, NONE).digest
    assert found.reader()("c.npy") == b"c.npy"


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_a_table_names_paths_beside_itself_and_ids(pictures: Path, ending: str) -> None:
    text = '\ufeffObjID,RA,Path\r\n"SDSS J1, a",1.5,deep/b.JPEG\r\n007,2,c.npy\r\n'
    table = pictures / f"mine{ending}"
    table.write_bytes(gzip.compress(text.encode()) if "gz" in ending else text.encode())
    found = list_pictures(table, NONE)
    assert [*found.ids] == ["SDSS J1, a", "007"]
    assert found.reader()(found.names[0]) == b"deep/b.JPEG"


def test_columns_of_other_names_can_be_named(pictures: Path) -> None:
    table = pictures / "mine.csv"
    table.write_text("id,name,where\n1,NGC 1,c.npy\n")
    with pytest.raises(PipelineError, match="one column of the names path, file, "):
        list_pictures(table, NONE)
    with pytest.raises(PipelineError, match="names id, .*: name the right one by --id"):
        list_pictures(table, Columns("where"))
    found = list_pictures(table, Columns("where", "name"))
    assert ([*found.ids], [*found.names]) == (["NGC 1"], ["c.npy"])
    with pytest.raises(PipelineError, match='no column "files". It has id, name and w'):
        list_pictures(table, Columns("files"))


def test_a_parquet_file_is_read_like_a_csv(pictures: Path) -> None:
    pa, pq = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    rows = pa.table({"id": [7, 8], "path": ["c.npy", "deep/b.JPEG"]})
    pq.write_table(rows, pictures / "mine.parquet")
    found = list_pictures(pictures / "mine.parquet", NONE)
    assert ([*found.ids], [*found.names]) == (["7", "8"], ["c.npy", "deep/b.JPEG"])


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", r"should have one column of the names path.* It has none"),
        (b"id,path\n1\n", "has 1 cells in row 2, the header has 2"),
        (b"id,path\n1,\n", "empty path or id in row 2"),
        (b"id,path\n1,a.png\n1,b.png\n", 'two pictures of the id "1": a.png and b.png'),
        (b"id,path\n", "has a header, but no rows"),
        (b"id,path\n\xff,a.png\n", "is not text in UTF-8. Save it as CSV in UTF-8"),
        (b"id;path\n1;a.png\n", 'has ";" between its columns. Save it as CSV with'),
        (b"id,path,path\n1,a.png,b.png\n", 'has two columns "path". Rename one.'),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(
    tmp_path: Path, content: bytes, trouble: str
) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(PipelineError, match=trouble):
        list_pictures(tmp_path / "mine.csv", NONE)


def test_two_pictures_of_one_name_are_refused(pictures: Path) -> None:
    (pictures / "deep" / "c.png").touch()
    with pytest.raises(PipelineError, match='two pictures of the id "c": c.npy and de'):
        list_pictures(pictures, NONE)


def test_columns_are_for_tables(pictures: Path) -> None:
    with pytest.raises(Misuse, match="are for tables"):
        list_pictures(pictures, Columns("path"))


def test_what_is_not_there_or_holds_no_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="gone does not exist"):
        list_pictures(tmp_path / "gone", NONE)
    (tmp_path / "one.jpg").write_bytes(b"x")
    with pytest.raises(PipelineError, match=r"one.jpg is not a folder, a zip, or a t"):
        list_pictures(tmp_path / "one.jpg", NONE)
    (tmp_path / "one.jpg").unlink()
    with pytest.raises(PipelineError, match="has no pictures: none of its files ends"):
        list_pictures(tmp_path, NONE)


def test_other_names_or_another_order_make_another_catalogue() -> None:
    one = Listing(Path("a"), ["x", "y"], ["1", "2"])
    assert one.digest == Listing(Path("b"), ["x", "y"], ["1", "2"]).digest
    for other in (
        Listing(Path("a"), ["y", "x"], ["2", "1"]),
        Listing(Path("a"), ["x", "z"], ["1", "2"]),
        Listing(Path("a"), ["x", "y"], ["1", "3"]),
    ):
        assert other.digest != one.digest
