"""A hint for who misspelt a name."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word most like the given one."""
    known = list(known)
    section, _, last = word.rpartition(".")
    lasts = [name.rsplit(".", 1)[-1] for name in known]
    close = difflib.get_close_matches(last, lasts, 1, 0.75)
    if close:
        # a right name under a wrong section is nearer than any likeness of letters
        same = [name for name in known if name.rsplit(".", 1)[-1] == close[0]]
        best = next((name for name in same if name.startswith(f"{section}.")), same[0])
    else:
        (best,) = difflib.get_close_matches(word, known, 1, 0.0)
    return f'Did you mean "{best}"?'
