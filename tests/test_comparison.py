import json

import numpy as np
import pytest

from pipeline.comparison import Effort, Row, as_data, describe, make_row
from tests.conftest import some_fractions

EFFORT = Effort(329_000, 21_240_768, 1234.5, (24, 24), 175.4, 8)
ROWS = [
    Row(
        "column means",
        629,
        0.165,
        0.0021,
        dict.fromkeys(range(1, 12), 0.2),
        1.5,
        0,
        None,
    ),
    Row("cpu", 629, 0.1067, 0.0021, dict.fromkeys(range(1, 12), 0.1), 1, 0, EFFORT),
]


def test_the_table_is_markdown_whose_columns_are_in_line() -> None:
    header, rule, means, cpu = describe(ROWS).splitlines()
    assert header == (
        "| model        | weights | multiply-adds | training | epochs | images/s "
        "| copies |            RMSE |         ratio "
        "|     Q1 |     Q2 |     Q3 |     Q4 |     Q5 |     Q6 "
        "|     Q7 |     Q8 |     Q9 |    Q10 |    Q11 |"
    )
    assert rule == (
        "| ------------ | ------: | ------------: | -------: | -----: | -------: "
        "| -----: | --------------: | ------------: " + "| -----: " * 11 + "|"
    )
    assert means == (
        "| column means |         |               |          |        |          "
        "|        | 0.1650 ± 0.0021 | 1.500 ± 0.000 " + "| 0.2000 " * 11 + "|"
    )
    assert cpu == (
        "| cpu          |  0.33 M |        21.2 M |  1,234 s |     24 |      175 "
        "|      8 | 0.1067 ± 0.0021 | 1.000 ± 0.000 " + "| 0.1000 " * 11 + "|"
    )


def test_the_rows_survive_json() -> None:
    means, cpu = json.loads(json.dumps(as_data(ROWS)))
    assert means["effort"] is None
    assert cpu["effort"]["multiply_adds"] == 21_240_768
    assert (cpu["model"], cpu["rmse"]) == ("cpu", 0.1067)


def test_a_row_compares_with_the_reference() -> None:
    targets = np.zeros((4, 37))
    row = make_row("mine", targets + 0.3, targets + 0.2, targets)
    assert row.rmse == pytest.approx(0.3)
    assert row.ratio == pytest.approx(1.5)
    assert row.ratio_standard_error == pytest.approx(0)  # alike for every galaxy
    assert row.num_galaxies == 4


def test_a_model_beside_itself_is_even_for_certain() -> None:
    predicted, targets = some_fractions(9, seed=1), some_fractions(9)
    row = make_row("mine", predicted, predicted, targets)
    assert (row.ratio, row.ratio_standard_error) == (1, 0)
