from pipeline.tables import table

HEADER = ("method", "accuracy", "note")
ROWS = (("small CNN", "0.5", "converged"), ("b", "10.25", "stopped"))


def test_columns_stand_in_line() -> None:
    lines = table(HEADER, ROWS).splitlines()
    for column in zip(HEADER, *ROWS, strict=True):
        places = [line.index(cell) for line, cell in zip(lines, column, strict=True)]
        assert len(set(places)) == 1


def test_numbers_end_in_line() -> None:
    lines = table(HEADER, ROWS, ["accuracy"]).splitlines()
    cells = [HEADER[1], *(row[1] for row in ROWS)]
    ends = [
        line.index(cell) + len(cell) for line, cell in zip(lines, cells, strict=True)
    ]
    assert len(set(ends)) == 1
    places = [line.index(row[2]) for line, row in zip(lines[1:], ROWS, strict=True)]
    assert len(set(places)) == 1


def test_no_line_ends_in_blanks() -> None:
    lines = table(HEADER, [("a", "", ""), ("b", "0.1", " ")]).splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert lines[1] == "a"


def test_a_number_is_printed_as_it_was_written() -> None:
    text = table(HEADER, [("007", "0.10000", "1e-3")])
    assert text.splitlines()[1].split() == ["007", "0.10000", "1e-3"]
