from pipeline.cli.summary import summary
from tests.terminal import Terminal


def test_a_run_ends_with_what_it_made_and_what_comes_next(done: Terminal) -> None:
    result = done.run.predictions.result
    made, expected, following = summary(done.run, ["predict", "export"], 125.0)
    assert made == "made      1 network; 8 views of each of 6 test galaxies; 2.1 min"
    assert expected == (
        f"expected  RMSE {result['expected_rmse']:.4f} ± "
        f"{result['expected_standard_error']:.4f} on the test set, by "
        f"{result['num_validation']} validation galaxies (effective sample size "
        f"{result['num_effective']:.0f}), which have {result['validation_rmse']:.4f} ± "
        f"{result['validation_standard_error']:.4f}"
    )
    assert following == f'next      "./run.sh upload --work {done.work}"'


def test_nothing_is_said_twice(later: Terminal) -> None:
    assert later.type("predict", "--force") == 0
    assert later.err.count("expected  RMSE") == 1
    assert f"{later.run.predictions.result['expected_rmse']:.4f} ±" in later.err
    assert "next" not in later.err
    lines = later.err.splitlines()
    assert len(lines) == len(set(lines))
