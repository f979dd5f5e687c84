"""A catalogue from pictures to its table: names, sizes, parts, interruptions."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.catalogues import answers
from pipeline.data.tree import COLUMNS, tree_violations
from pipeline.runs.contents import load_predictions
from tests.miniature import TEST_IDS, blob
from tests.terminal import Terminal


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Galaxies of any name in four sizes, one of them unreadable, one all dark."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        (folder / f"J{number:04}+45.jpg").write_bytes(blob(60 + 15 * number))
    for size in (100, 424, 1000):
        image = np.full((size, size, 3), 10, np.uint8)
        image[size // 3 : -size // 3, size // 3 : -size // 3] = 180
        Image.fromarray(image).save(folder / f"NGC {size}.png")
    np.save(folder / "array", np.zeros((212, 300, 3), np.uint8))
    (folder / "torn.jpg").write_bytes(blob(90)[:700])
    return folder


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "CHUNK", 4)  # so that 17 pictures make 5 chunks


def predict_images(terminal: Terminal, what: Path, out: Path, *words: str) -> int:
    return terminal.type("predict-images", str(what), "--out", str(out), *words)


def test_a_folder_of_any_names_and_sizes_makes_a_table(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "classes.csv"
    assert predict_images(asking, pictures, out) == 0, asking.err
    table = pd.read_csv(out, dtype={"id": str}, keep_default_na=False).set_index("id")
    names = [f"J{number:04}+45" for number in range(12)]
    assert {*table.index} == {*names, "NGC 100", "NGC 424", "NGC 1000", "array", "torn"}
    good = table[table["readable"] == 1]
    assert [*table.index[table["readable"] == 0]] == ["torn"]
    assert "damaged JPEG" in table.loc["torn", "trouble"]
    fractions = good[list(COLUMNS)].astype(float).to_numpy()
    assert not tree_violations(fractions).any()
    assert (good[[f"{name}_spread" for name in COLUMNS]].astype(float) >= 0).all(
        axis=None
    )
    assert good["class"].str.len().min() > 4
    assert "dark" in table.loc["array", "unlike"]
    assert asking.out.splitlines()[-1] == str(out)
    assert "17 galaxies, 1 unreadable" in asking.out
    assert "1 picture cannot be read" in asking.err
    assert not [*tmp_path.glob("*.partial")]
    page = out.with_suffix(".html").read_text()
    assert page.count("<figure>") > 37
    assert "array: dark" in page
    assert "17 galaxies; 1 could not be read" in page


def test_the_competitions_galaxies_get_the_fractions_of_predict(
    asking: Terminal, tmp_path: Path
) -> None:
    out = tmp_path / "again.csv"
    assert predict_images(asking, asking.run.raw.find("test_images"), out) == 0
    table = pd.read_csv(out)
    assert table["id"].tolist() == TEST_IDS.tolist()
    ids, fractions = load_predictions(asking.run.predictions)
    good = table["readable"] == 1
    rows = np.isin(ids, table["id"][good])
    np.testing.assert_allclose(
        table.loc[good, list(COLUMNS)], fractions[rows], atol=2e-6
    )


def test_parts_make_the_same_table_as_the_whole(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    assert predict_images(asking, pictures, whole) == 0
    assert predict_images(asking, pictures, parts, "--part=2/2") == 0
    assert "of 5, 3 chunks missing" in asking.out
    assert predict_images(asking, pictures, parts, "--join") == 1
    assert "3 of 5 chunks are missing" in asking.error
    assert ": 1, 3 and 5 (of N parts" in asking.error
    nothing = tmp_path / "nothing.csv"
    assert predict_images(asking, pictures, nothing, "--join") == 1
    assert "No part is there" in asking.error
    assert not nothing.with_name("nothing.csv.partial").exists()
    assert predict_images(asking, pictures, parts, "--part=1/2") == 0
    assert predict_images(asking, pictures, parts, "--join") == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_an_interrupted_catalogue_continues(
    asking: Terminal, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    assert predict_images(asking, pictures, whole) == 0
    save, saved = answers.Store.save, []

    def interrupted(store: answers.Store, chunk: int, found: answers.Answers) -> None:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(chunk)
        save(store, chunk, found)

    with monkeypatch.context() as patch:
        patch.setattr(answers.Store, "save", interrupted)
        assert predict_images(asking, pictures, cut) == 130
    folder = tmp_path / "cut.csv.partial"
    assert len([*folder.glob("*.npz")]) == 2
    (folder / "000000.npz").write_bytes(b"PK damaged")
    assert predict_images(asking, pictures, cut) == 0
    assert "4 of 5 chunks are left" in asking.err
    assert cut.read_bytes() == whole.read_bytes()


def test_chunks_of_another_recipe_are_not_used(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    assert predict_images(asking, pictures, out, "--part=1/2") == 0
    assert predict_images(asking, pictures, out, "--set=predict.num_rotations=1") == 1
    assert "holds answers by other views" in asking.error
    (pictures / "torn.jpg").unlink()
    assert predict_images(asking, pictures, out) == 1
    assert "holds answers by other catalogue" in asking.error


def test_nothing_that_is_there_is_overwritten(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine.csv"
    out.write_text("a thesis")
    assert predict_images(asking, pictures, out) == 1
    assert "is there already" in asking.error
    assert out.read_text() == "a thesis"
    out.rename(tmp_path / "mine.html")
    assert predict_images(asking, pictures, out) == 1
    assert "mine.html is there already" in asking.error
    foreign = tmp_path / "new.csv.partial"
    foreign.mkdir()
    (foreign / "thesis").touch()
    assert predict_images(asking, pictures, tmp_path / "new.csv") == 1
    assert "is not of this pipeline's making" in asking.error
    assert predict_images(asking, pictures, tmp_path / "new.txt") == 2
    assert "--out ends in .csv or .parquet" in asking.error


def test_a_link_of_the_users_stays_though_it_leads_nowhere(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    for name in ("a.csv", "a.html"):
        link = tmp_path / name
        link.symlink_to(tmp_path / "nothing")
        assert predict_images(asking, pictures, tmp_path / "a.csv") == 1
        assert f"{name} is there already" in asking.error
        assert link.is_symlink()
        link.unlink()


@pytest.mark.parametrize(
    ("place", "trouble"),
    [
        ("file.csv", "file.csv.partial is a file. Name another --out."),
        ("link.csv", "link.csv.partial is a link. Name another --out."),
        ("/proc/x.csv", "/proc/x.csv.partial cannot be made (No such file or "),
    ],
)
def test_where_no_table_can_come_to_be_another_is_asked_for(
    asking: Terminal, pictures: Path, tmp_path: Path, place: str, trouble: str
) -> None:
    (tmp_path / "file.csv.partial").write_text("mine")
    (tmp_path / "link.csv.partial").symlink_to(tmp_path / "away")
    assert predict_images(asking, pictures, tmp_path / place) == 1
    assert trouble in asking.error
    assert (tmp_path / "file.csv.partial").read_text() == "mine"


def test_pictures_of_few_pixels_are_rows_that_are_noted_as_small(
    asking: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    for height, width in ((1, 1), (10, 10), (15, 400), (31, 31), (100, 100)):
        pixels = np.full((height, width, 3), 60, np.uint8)
        Image.fromarray(pixels).save(folder / f"{height}x{width}.png")
    out = tmp_path / "few.csv"
    assert predict_images(asking, folder, out) == 0, asking.err
    table = pd.read_csv(out, keep_default_na=False).set_index("id")
    small = {name for name in table.index if "small" in table.loc[name, "unlike"]}
    # the network sees 16 px along a side, which are the central half of a picture
    assert small == {"1x1", "10x10"}
    assert (table["readable"] == 1).all()
    assert out.with_suffix(".html").stat().st_size > 1000


def test_features_lie_beside_the_table_row_by_row(
    asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    shutil.copy(pictures / "J0003+45.jpg", pictures / "twin.jpg")
    out = tmp_path / "out.csv"
    assert predict_images(asking, pictures, out, "--features", "--json") == 0
    facts = json.loads(asking.out)
    features, ids = np.load(facts["features"]), pd.read_csv(out)["id"].tolist()
    assert len(features) == len(ids) == facts["rows"] == 18
    assert features.dtype == np.float16
    rows = {name: features[ids.index(name)] for name in ids}
    np.testing.assert_allclose(rows["twin"], rows["J0003+45"], atol=1e-3)
    assert (rows["twin"] != rows["J0011+45"]).any()
    assert not rows["torn"].any()


def test_a_part_that_is_none_is_a_misuse(asking: Terminal, pictures: Path) -> None:
    for text in ("0/3", "4/3", "1", "a/b"):
        assert predict_images(asking, pictures, Path("o.csv"), f"--part={text}") == 2
        assert "takes a part such as 3/10" in asking.error


def test_without_networks_the_command_that_trains_is_named(
    terminal: Terminal, folder: Path, pictures: Path, tmp_path: Path
) -> None:
    words = (f"--source={folder}", "--preset=tiny")
    assert predict_images(terminal, pictures, tmp_path / "o.csv", *words) == 1
    assert 'is missing. Run "./run.sh download' in terminal.error
