import json
from pathlib import Path

import pytest

from pipeline.commands.show import bar, describe, show
from pipeline.errors import PipelineError
from pipeline.reporting.pictures import load_originals
from pipeline.runs.graph import Run
from tests.miniature import blob, some_fractions, write_zip
from tests.terminal import Terminal


def test_a_training_galaxy_shows_both_fractions_and_its_error(finished: Run) -> None:
    text = describe(show(finished, 100_003))
    assert text.startswith("Galaxy 100003, ")
    assert ", RMSE 0." in text.splitlines()[0]
    assert text.count("predicted") == text.count("volunteers") == 37
    # the fourth galaxy of miniature; "smooth" comes first
    smooth = some_fractions(24)[3, 0]
    assert f"{smooth:.3f}" in text.splitlines()[4]
    assert finished.work.card(100_003).read_bytes().startswith(b"\x89PNG")


def test_a_test_galaxy_shows_predictions_alone(finished: Run) -> None:
    text = describe(show(finished, 200_001))
    assert text.splitlines()[0] == "Galaxy 200001, of the test set"
    assert "volunteers" not in text


def test_what_speaks_for_an_answer_is_mapped(later: Terminal) -> None:
    assert later.type("show", "200001") == 0
    (card,) = (later.work / "show").iterdir()
    of_all = card.read_bytes()
    assert later.type("show", "200001", "--answer", "Class1.2") == 0
    assert card.read_bytes() != of_all
    assert later.type("show", "200001", "--answer", "Class12.1") == 2
    assert "takes a column of the submission such as Class3.1" in later.err


def test_an_unknown_galaxy_names_the_nearest(finished: Run) -> None:
    with pytest.raises(PipelineError) as caught:
        show(finished, 100_030)
    assert "There is no galaxy 100030 in " in str(caught.value)
    assert str(caught.value).endswith("The nearest are 100021, 100022, 100023.")


def test_a_bar_is_as_long_as_its_fraction() -> None:
    assert bar(0) == ""
    assert bar(1) == "█" * 30
    assert bar(0.5) == "█" * 15
    assert bar(1 / 60) == "▌"


def test_an_image_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    images = tmp_path / "images.zip"
    write_zip(images, {"100003.jpg": blob(90)})
    content = images.read_bytes()
    images.write_bytes(b"xx" + content[2:])  # the local header, not the directory
    with pytest.raises(PipelineError) as caught:
        next(load_originals(images, [100_003]))
    assert str(caught.value) == (
        f"{images} holds an unreadable image, 100003.jpg: Bad magic number for file "
        "header."
    )


def test_the_training_galaxies_most_like_one_are_drawn(later: Terminal) -> None:
    assert later.type("show", "200001", "--similar", "--json") == 0, later.err
    facts = json.loads(later.out)
    ids = [own["id"] for own in facts["similar"]]
    assert len({*ids}) == 11
    assert {*ids} <= {*range(100_000, 100_024)}
    values = [own["similarity"] for own in facts["similar"]]
    assert values == sorted(values, reverse=True)
    assert values[0] <= 1.001
    assert Path(facts["sheet"]).read_bytes().startswith(b"\x89PNG")
    (made,) = later.work.glob("features-*")
    stamp = made.stat().st_mtime_ns
    # a training galaxy is most like itself, and is not told so
    assert later.type("show", "100003", "--similar") == 0
    similar = later.out.partition("most like it")[2]
    assert len(similar.splitlines()) == 12
    assert "100003" not in similar
    assert made.stat().st_mtime_ns == stamp
    assert later.states()[made.name] == "done"
    file = made / "features.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"x")  # of the same size
    assert later.type("show", "100003", "--similar") == 0, later.err
    assert later.out.partition("most like it")[2] == similar
