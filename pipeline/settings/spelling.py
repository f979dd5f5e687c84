"""A hint for who misspelt a name."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word most like the given one."""
    return f'Did you mean "{closest(word, known)}"?'


def closest(word: str, known: Iterable[str]) -> str:
    """The known word most like the given one."""
    known = list(known)
    section, _, last = word.rpartition(".")
    lasts = [last_part(name) for name in known]
    close = difflib.get_close_matches(last.lstrip("-"), lasts, 1, 0.75)
    if not close:
        return difflib.get_close_matches(word, known, 1, 0.0)[0]
    # a right name under a wrong section is nearer than any likeness of letters
    same = [name for name in known if last_part(name) == close[0]]
    return next((name for name in same if name.startswith(f"{section}.")), same[0])


def last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1].lstrip("-")
