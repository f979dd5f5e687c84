import dataclasses

import numpy as np
import pytest

from pipeline.commands.classify import (
    choose_split,
    classify,
    describe_result,
    load_images,
)
from pipeline.data.splits import load_targets
from pipeline.errors import PipelineError
from pipeline.reporting import pictures
from pipeline.runs.contents import load_held_out
from pipeline.runs.graph import Run
from pipeline.settings.schema import ClassifyConfig
from pipeline.training import classifiers
from pipeline.training.classifiers import (
    Fitted,
    Part,
    balanced_weights,
    judge,
    logistic_regression,
    small_cnn,
)


def test_a_thousand_images_are_split_as_the_course_report_did() -> None:
    validation_rows = np.arange(6000) % 10 == 0
    split = choose_split(validation_rows, 1000, 0)
    assert [len(part) for part in split] == [800, 100, 100]
    assert validation_rows[split.test].all()
    assert not validation_rows[split.fit].any()
    assert not validation_rows[split.watch].any()
    assert len(set(np.concatenate(split).tolist())) == 1000


def test_all_images_are_used_where_asked_or_where_there_are_no_more() -> None:
    validation_rows = np.arange(300) % 10 == 0
    for num_images in (0, 5000):
        split = choose_split(validation_rows, num_images, 0)
        assert [len(part) for part in split] == [240, 30, 30]


def test_accuracies_and_confusion_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 2])
    verdict = judge("x", Fitted(predicted, 1.0, None, ""), truth, 3)
    assert verdict["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert verdict["accuracy"] == pytest.approx(4 / 6)
    assert verdict["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert verdict["standard_error"] == pytest.approx(np.sqrt(4 / 6 * 2 / 6 / 6))


def test_a_class_without_galaxies_does_not_count_for_balance() -> None:
    truth, predicted = np.array([0, 1]), np.array([0, 2])
    verdict = judge("x", Fitted(predicted, 1.0, None, ""), truth, 3)
    assert verdict["balanced_accuracy"] == 0.5


def test_rare_classes_weigh_as_much_as_they_are_rare() -> None:
    weights = balanced_weights(np.array([0, 0, 0, 1]))
    assert weights == {0: pytest.approx(4 / 6), 1: pytest.approx(2)}


def test_an_l2_penalty_leaves_zero_only_where_a_pixel_never_changes() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 4, 4, 3), dtype=np.uint8)
    images[:, 0, 0] = 7  # three of 48 values
    classes = (images[:, 2, 2, 0] > 127).astype(int) + (images[:, 3, 3, 1] > 200)
    part = Part(images, classes)
    fitted = logistic_regression(ClassifyConfig(), part, part)
    assert fitted.zero_share == pytest.approx(3 / 48)
    assert (fitted.predicted == classes).mean() > 0.9


def test_the_small_network_counts_as_it_was_at_its_best_watched_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = Part(np.zeros((4, 40, 40, 3), np.uint8), np.array([0, 0, 1, 1]))
    guesses = iter(([1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]))
    asked = []

    def guess(network: object, *rest: object) -> np.ndarray:
        asked.append(network.get_weights())
        return np.array(next(guesses))  # right of 4: 0, 4, 2; then of the test

    monkeypatch.setattr(classifiers, "predict_classes", guess)
    fitted = small_cnn(ClassifyConfig(epochs=3), part, part, part)
    _, second, third, tested = asked
    assert all(map(np.array_equal, tested, second))
    assert not all(map(np.array_equal, tested, third))
    assert fitted.note.endswith("the best counts: 0, 100, 50 %")


def test_the_four_methods_meet_on_the_same_galaxies(finished: Run) -> None:
    classify(finished)
    result = finished.classification.result
    assert [row["name"] for row in result["methods"]] == [
        "always the commonest class",
        "logistic regression",
        "small CNN",
        "this network's Class1.1 to 1.3",
    ]
    data = load_held_out(finished.held_out)
    solutions = finished.raw.file("solutions")
    truth = load_targets(solutions, data.ids)[:, :3].argmax(axis=1)
    for row in result["methods"]:
        assert (
            np.sum(row["confusion"], axis=1).tolist()
            == np.bincount(truth, minlength=3).tolist()
        )
    ours = (data.fractions[:, :3].argmax(axis=1) == truth).mean()
    assert result["methods"][3]["accuracy"] == pytest.approx(ours)
    assert "l2 penalty leaves no weight at zero" in describe_result(finished)


def test_full_size_means_the_crop_as_the_course_report_had_it(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, list_them = [], pictures.list_jpegs
    monkeypatch.setattr(
        pictures, "list_jpegs", lambda path: listed.append(path) or list_them(path)
    )
    full_size = ClassifyConfig(full_size=True)
    settings = dataclasses.replace(finished.settings, classify=full_size)
    run = dataclasses.replace(finished, settings=settings)
    images = load_images(run, np.array([100_003, 100_005]), np.array([0, 1]))
    assert images.shape == (2, 212, 212, 3)
    assert len(listed) == 1  # at full size this takes a while
    assert images[0, 106, 106, 0] == pytest.approx(100_003 % 97 + 100, abs=3)


def test_classes_before_predictions_name_the_stage_to_run(ready: Run) -> None:
    with pytest.raises(PipelineError, match='is missing. Run "./run.sh train --work'):
        classify(ready)
    assert ready.classification.state == "missing"
