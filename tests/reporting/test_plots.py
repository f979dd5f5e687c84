import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from pipeline.data.metrics import Score
from pipeline.data.tree import COLUMNS, QUESTIONS
from pipeline.reporting.calibration import calibrate
from pipeline.reporting.plots import agreement, errors, flow, galaxies, svg, training
from pipeline.reporting.plots.shift import shifts
from pipeline.reporting.statistics import Judged, mean_shift
from tests.miniature import some_fractions


def bars(container: BarContainer) -> list[float]:
    return [bar.get_width() for bar in container]


def card_bars(fractions: np.ndarray, targets: np.ndarray | None) -> Axes:
    seen = np.zeros((8, 8, 3), np.uint8)
    looked = galaxies.Looked(np.ones((8, 8)), None)
    return galaxies.card("a galaxy", None, seen, looked, fractions, targets).axes[0]


def test_bars_of_a_galaxy_stand_beside_their_own_answers() -> None:
    fractions, targets = np.arange(37) / 40, np.arange(37) / 80
    axes = card_bars(fractions, targets)
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
    assert len(card_bars(np.zeros(37), None).containers) == 1


def judged(rmse: float, error: float = 0.01, is_better: bool = True) -> Judged:
    return Judged(Score(rmse, error), 2 * rmse, is_better)


def test_the_baseline_stands_beside_the_same_question() -> None:
    items = {number: judged(number / 100) for number in range(1, 12)}
    (axes,) = errors.question_errors(items, {3: "  (7)"}).axes
    ours, baseline = (
        part for part in axes.containers if isinstance(part, BarContainer)
    )
    np.testing.assert_allclose(bars(ours), np.arange(1, 12) / 100)
    np.testing.assert_allclose(bars(baseline), np.arange(1, 12) / 50)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[2] == "3  A bar?  (7)"
    assert labels[3] == "4  Spiral arms?"


def test_error_bars_are_as_long_as_the_standard_error() -> None:
    items = [judged(0.1, number / 1000) for number in range(37)]
    (axes,) = errors.answer_errors(items, {}).axes
    (lines,) = axes.collections
    spans = [np.ptp(segment[:, 0]) for segment in lines.get_segments()]
    np.testing.assert_allclose(spans, [2 * number / 1000 for number in range(37)])


def test_a_cross_marks_what_is_no_better_than_the_baseline() -> None:
    items = [judged(0.1, is_better=column != 24) for column in range(37)]
    figure = errors.answer_errors(items, {})
    (axes,) = figure.axes
    (crosses,) = (line for line in axes.lines if line.get_label() == "no better")
    assert crosses.get_ydata().tolist() == [axes.get_yticks()[24]]
    assert crosses.get_xdata() > 0.2  # beyond both bars
    (fine,) = errors.answer_errors([judged(0.1)] * 37, {}).axes
    assert "no better" not in [line.get_label() for line in fine.lines]


def test_a_density_panel_holds_its_own_counts() -> None:
    counts = np.zeros((25, 25), int)
    counts[0, 24] = 10  # at the bottom right: predicted much, seen nothing
    panels = [agreement.Density(f"panel {number}", counts) for number in range(12)]
    panels[5] = agreement.Density("other", counts.T)
    *all_axes, colours = agreement.densities(panels).axes
    assert len(all_axes) == 12  # no panel is empty, nor a row of them half empty
    assert colours.get_xlabel() == "answers in a cell"
    cells = all_axes[0].images[0].get_array()
    assert cells[0, 24] == 10
    assert cells.count() == 1
    assert all_axes[0].images[0].origin == "lower"
    assert all_axes[5].images[0].get_array()[24, 0] == 10
    assert all_axes[5].get_title() == "other"


def test_calibration_has_the_prediction_along_x_and_an_error_upwards() -> None:
    predicted = np.array([[0.2], [0.8], [0.8]])
    groups = calibrate(predicted, np.array([[0.5], [0.5], [0.7]]), 10)
    all_axes = agreement.calibrations(groups, {3: groups}).axes
    x, y = all_axes[0].lines[1].get_data()
    np.testing.assert_allclose(x, [0.2, 0.8])
    np.testing.assert_allclose(y, [0.5, 0.6])
    last = all_axes[0].collections[0].get_segments()[-1]
    np.testing.assert_allclose(last, [[0.8, 0.5], [0.8, 0.7]])
    assert all_axes[3].get_title() == "3  A bar?"
    assert len(all_axes[3].lines) == 2
    assert [text.get_text() for text in all_axes[4].texts] == ["never asked"]


def records(*reweighted: int) -> list[dict[str, float]]:
    """Epochs whose numbers are tenths of theirs, hundredths and so on."""
    return [
        {
            "epoch": epoch,
            "loss": epoch / 1000,
            "train_rmse": epoch / 10,
            "epoch_rmse": epoch / 100,
            "reweighted": scored,
            "learning_rate": epoch / 10_000,
        }
        for epoch, scored in enumerate(reweighted, 1)
    ]


def test_each_member_has_its_pair_of_curves() -> None:
    rows = records(0, 0)
    (axes,) = training.learning_curves({"one": rows, "two": rows}).axes
    assert len(axes.lines) == 4
    assert axes.lines[1].get_ydata().tolist() == [0.01, 0.02]
    assert len(axes.get_legend().get_texts()) == 2


def test_a_curve_breaks_where_the_held_out_galaxies_are_reweighted() -> None:
    (axes,) = training.learning_curves({"one": records(0, 0, 1)}).axes
    alike, reweighted = (line.get_ydata() for line in axes.lines[1:])
    np.testing.assert_array_equal(alike, [0.01, 0.02, np.nan])
    np.testing.assert_array_equal(reweighted, [np.nan, np.nan, 0.03])


def test_loss_and_learning_rate_have_curves_of_their_own() -> None:
    histories = {"one": records(0, 1), "two": records(0, 1)}
    (axes,) = training.loss_curves(histories, "votes").axes
    assert axes.get_ylabel() == "loss (votes)"
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0.001, 0.002]] * 2
    (axes,) = training.rate_curves(histories).axes
    assert axes.lines[1].get_ydata().tolist() == [0.0001, 0.0002]


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
    (axes,) = shifts(mean_shift(predicted, training)).axes
    told = [text.get_text().strip() for text in axes.texts]
    assert told[-2:] == ["-0.100", "+0.100"]


def test_a_plot_is_the_same_bytes_again_and_small() -> None:
    items = {number: judged(number / 100) for number in range(1, 12)}
    first, second = (svg(errors.question_errors(items, {})) for _ in range(2))
    assert first == second
    assert len(first) < 30_000
    assert b"A bar?</text>" in first  # letters stay letters
