"""Rows of text as a table whose columns stand in line."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[str] = ()
) -> str:
    """The table as plain text, a line for the header and one for each row.

    Args:
        header: the names of the columns.
        rows: their cells.
        numbers: the columns that end in line instead of beginning so.
    """
    text = drawn("plain", header, rows, numbers)
    return "\n".join(line.rstrip() for line in text.splitlines())


def markdown(
    header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[str] = ()
) -> str:
    """The same in Markdown."""
    return drawn("github", header, rows, numbers)


def drawn(
    form: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Iterable[str],
) -> str:
    sides = ["right" if name in set(numbers) else "left" for name in header]
    return tabulate(
        [*rows], header, form, colalign=sides, disable_numparse=True, missingval=""
    )
