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
    sides = ["right" if name in set(numbers) else "left" for name in header]
    text = tabulate(
        [*rows], header, "plain", colalign=sides, disable_numparse=True, missingval=""
    )
    return "\n".join(line.rstrip() for line in text.splitlines())
