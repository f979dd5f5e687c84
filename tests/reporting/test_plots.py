import numpy as np
import pytest
from matplotlib.container import BarContainer

from pipeline.data.tree import COLUMNS, QUESTIONS
from pipeline.reporting.plots import curves, flow, galaxies, png
from pipeline.reporting.statistics import calibrate, mean_shift
from tests.miniature import some_fractions


def bars(container: BarContainer) -> list[float]:
    return [bar.get_width() for bar in container]


def test_bars_of_a_galaxy_stand_beside_their_own_answers() -> None:
    fractions, targets = np.arange(37) / 40, np.arange(37) / 80
    (axes,) = galaxies.answer_bars(fractions, targets).axes
    predicted, volunteers = axes.containers
    np.testing.assert_allclose(bars(predicted), fractions)
    np.testing.assert_allclose(bars(volunteers), targets)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[:3] == ["smooth", "features or disk", "star or artifact"]
    assert labels[36] == "can't tell"
    ticks = axes.get_yticks()
    for place, bar in zip(ticks, predicted, strict=True):
        assert bar.get_y() < place < bar.get_y() + 0.5
    assert (np.diff(ticks) > 0).all()
    assert axes.yaxis_inverted()  # question 1 on top


def test_a_test_galaxy_has_predictions_alone() -> None:
    (axes,) = galaxies.answer_bars(np.zeros(37), None).axes
    assert len(axes.containers) == 1


def test_the_benchmark_stands_beside_the_same_question() -> None:
    ours = {number: number / 100 for number in range(1, 12)}
    theirs = {number: number / 50 for number in range(1, 12)}
    (axes,) = curves.question_errors(ours, theirs).axes
    network, means = axes.containers
    assert bars(network) == list(ours.values())
    assert bars(means) == list(theirs.values())
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[2] == "3  A bar?"


def test_a_density_panel_holds_its_own_question() -> None:
    fractions, targets = np.zeros((5, 37)), np.zeros((5, 37))
    fractions[:, 13:15] = 0.99  # question 6
    figure = curves.densities(fractions, targets)
    panel = figure.axes[5]
    assert panel.get_title() == "6  Anything odd?"
    cells = panel.collections[0].get_array().reshape(25, 25)
    assert cells[0, 24] == 10  # at the bottom right: predicted much, seen nothing
    assert cells.count() == 1
    other = figure.axes[0].collections[0].get_array().reshape(25, 25)
    assert other[0, 0] == 15


def test_calibration_has_the_prediction_along_x() -> None:
    groups = calibrate(np.array([0.2, 0.8]), np.array([0.5, 0.6]), 10)
    upper, lower = curves.calibration(groups).axes
    x, y = upper.lines[1].get_data()
    np.testing.assert_allclose(x, [0.2, 0.8])
    np.testing.assert_allclose(y, [0.5, 0.6])
    assert [bar.get_height() for bar in lower.patches] == [1, 1]


def test_each_member_has_its_pair_of_curves() -> None:
    rows = [
        {"epoch": 1, "train_rmse": 0.2, "epoch_rmse": 0.3, "reweighted": 0},
        {"epoch": 2, "train_rmse": 0.1, "epoch_rmse": 0.25, "reweighted": 0},
    ]
    (axes,) = curves.learning_curves({"one": rows, "two": rows}).axes
    assert len(axes.lines) == 4
    assert axes.lines[1].get_ydata().tolist() == [0.3, 0.25]
    assert len(axes.get_legend().get_texts()) == 2


def test_a_curve_breaks_where_the_held_out_galaxies_are_reweighted() -> None:
    rows = [
        {"epoch": 1, "train_rmse": 0.2, "epoch_rmse": 0.3, "reweighted": 0},
        {"epoch": 2, "train_rmse": 0.2, "epoch_rmse": 0.25, "reweighted": 0},
        {"epoch": 3, "train_rmse": 0.2, "epoch_rmse": 0.27, "reweighted": 1},
    ]
    (axes,) = curves.learning_curves({"one": rows}).axes
    alike, reweighted = (line.get_ydata() for line in axes.lines[1:])
    np.testing.assert_array_equal(alike, [0.3, 0.25, np.nan])
    np.testing.assert_array_equal(reweighted, [np.nan, np.nan, 0.27])


def test_the_tree_tells_every_answer_once_under_what_leads_to_it() -> None:
    predicted, volunteers = np.arange(37) / 100, np.arange(37) / 50
    (axes,) = flow.tree_flow(predicted, volunteers).axes
    texts = {text.get_text(): text.get_position() for text in axes.texts}
    for column in range(37):
        assert f"{column:.1f} / {2 * column:.1f} %" in texts, COLUMNS[column]
    places = {q.number: texts[f"{q.number}  {q.text}"] for q in QUESTIONS}
    assert len(places) == 11
    # 10 and 11 are asked after "spiral: yes", whose column is 7
    spiral = texts["7.0 / 14.0 %"]
    assert places[4][1] < spiral[1] < places[10][1] < places[11][1]
    assert places[11][1] < texts["8.0 / 16.0 %"][1]
    assert places[1][0] < places[2][0] < places[4][0] < places[11][0]


def test_bands_of_the_tree_are_as_thick_as_the_flow() -> None:
    volunteers = np.zeros(37)
    volunteers[0:3] = 0.75, 0.25, 0
    (axes,) = flow.tree_flow(volunteers, volunteers).axes
    level = [p for p in axes.patches if p.get_width() == flow.INDENT * 0.85]
    first, second = level[0], level[4]  # smooth; three answers under it; features
    assert first.get_height() / second.get_height() == pytest.approx(3)


def test_a_shift_is_labelled_with_its_sign() -> None:
    training = some_fractions(4000, seed=1)
    predicted = training.copy()
    predicted[:, 13] -= 0.1
    predicted[:, 14] += 0.1
    (axes,) = curves.shifts(mean_shift(predicted, training)).axes
    told = [text.get_text().strip() for text in axes.texts]
    assert told[-2:] == ["-0.100", "+0.100"]


def test_a_plot_becomes_a_png_of_a_phones_width() -> None:
    content = png(galaxies.answer_bars(np.zeros(37), None))
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20]) == 704
