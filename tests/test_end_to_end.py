"""Every stage through the command line, as a user types it."""

import json
from pathlib import Path

import numpy as np

from pipeline.data.tables import read_fractions, write_fractions
from tests.miniature import TEST_IDS, some_fractions
from tests.terminal import Terminal


def test_all_ends_with_the_path_of_a_valid_submission(done: Terminal) -> None:
    (line,) = done.out.splitlines()
    ids, fractions = read_fractions(Path(line))
    assert ids.tolist() == TEST_IDS.tolist()
    assert fractions.shape == (6, 37)


def test_all_again_does_nothing_and_says_so(done: Terminal, later: Terminal) -> None:
    files = {path: path.stat().st_mtime_ns for path in later.work.rglob("*.*")}
    assert later.type("all") == 0
    assert Path(later.out.strip()).name == Path(done.out.strip()).name
    assert later.err.count("up to date") == 7
    assert {path: path.stat().st_mtime_ns for path in later.work.rglob("*.*")} == files


def test_a_training_with_other_settings_makes_just_what_follows(
    later: Terminal,
) -> None:
    before = later.states()
    assert set(before.values()) == {"done"}
    assert later.type("train", "--set", "train.epochs=3") == 0
    run = later.run
    made = [run.raw, run.shards("train"), run.shards("test"), *run.members]
    follow = [run.held_out, run.predictions, run.submission]
    assert later.states() == {
        **{item.name: "done" for item in made},
        **{item.name: "missing" for item in follow},
    }
    assert later.type("all") == 0
    assert later.err.count("up to date") == 4
    assert set(later.states().values()) == {"done"}
    assert later.type("all", "--set", "train.epochs=2") == 0  # as it was
    assert later.err.count("up to date") == 7
    assert later.states() == before


def test_a_stage_before_its_turn_names_the_one_to_run(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.type("predict", "--source", str(folder)) == 1
    assert 'is missing. Run "./run.sh download --work ' in terminal.err
    assert terminal.out == ""


def test_a_bad_setting_is_refused_before_any_work(terminal: Terminal) -> None:
    assert terminal.type("all", "--source", "demo", "--set", "train.epoch=1") == 2
    assert terminal.err == (
        'error: Unknown setting "train.epoch". Did you mean "train.epochs"? '
        '"./run.sh settings train" lists them all.\n'
    )
    assert not terminal.work.exists()


def test_a_sigmoid_head_gives_a_valid_submission_too(later: Terminal) -> None:
    assert later.type("all", "--set", "train.head=sigmoid") == 0
    _, fractions = read_fractions(Path(later.out.strip()))
    np.testing.assert_allclose(fractions[:, 0:3].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(fractions[:, 3:5].sum(1), fractions[:, 1], atol=1e-5)


def test_a_bad_test_image_is_predicted_as_the_column_means(done: Terminal) -> None:
    _, fractions = read_fractions(Path(done.out.strip()))
    means = done.run.members[0].result["means"]
    np.testing.assert_allclose(fractions[2], means, atol=1e-6)
    assert "bad image 200002.jpg: empty file; predicted as the column" in done.err


def test_score_prints_json_and_takes_any_submission(
    later: Terminal, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.csv"
    write_fractions(truth, TEST_IDS, some_fractions(6, seed=5))
    assert later.type("score", "--solutions", str(truth), "--json") == 0
    verdict = json.loads(later.out)
    assert 0 < verdict["rmse"] < 1
    assert verdict["num_galaxies"] == 6
    words = (str(truth), "--solutions", str(truth), "--json")
    assert later.type("score", *words) == 0
    assert json.loads(later.out)["rmse"] == 0
    assert later.type_anywhere("score", *words) == 0
    assert json.loads(later.out)["benchmark"] == "solutions' own column means"
    assert "demo sky" not in later.err.lower()
    assert later.type_anywhere("score", *words, "--set=no.such=1") == 2


def test_two_fresh_work_directories_give_the_same_bytes(
    done: Terminal, terminal: Terminal, spoiled: Path
) -> None:
    assert terminal.run_all(spoiled) == 0
    assert terminal.out != done.out
    assert (
        Path(terminal.out.strip()).read_bytes() == Path(done.out.strip()).read_bytes()
    )
