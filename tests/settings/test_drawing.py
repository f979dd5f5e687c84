import os
import subprocess
import sys
from pathlib import Path

from pipeline.runs.paths import PROJECT

DRAW = """
import sys
import numpy as np
from pipeline.reporting.plots import galaxies, png
seen = np.zeros((8, 8, 3), np.uint8)
looked = galaxies.Looked(np.ones((8, 8)), None)
picture = png(galaxies.card("a galaxy", None, seen, looked, np.arange(37) / 40, None))
open(sys.argv[1], "wb").write(picture)
"""
USERS = b"""text.usetex: True
savefig.bbox: tight
savefig.facecolor: red
lines.linewidth: 9
axes.formatter.use_locale: True
no such key: 1
\xff is not UTF-8
"""


def drawn(place: Path, **variables: str) -> tuple[bytes, str]:
    """A plot drawn in a folder, and what was said of it."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", DRAW, "plot.png"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return (place / "plot.png").read_bytes(), done.stderr


def test_a_plot_is_the_same_whatever_the_user_has_set_for_matplotlib(
    tmp_path: Path,
) -> None:
    plain, said = drawn(tmp_path)
    assert said == ""
    (tmp_path / "matplotlibrc").write_bytes(USERS)
    ours, said = drawn(
        tmp_path,
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        MATPLOTLIBRC=str(tmp_path),
        MPLCONFIGDIR="/dev/null/not-to-be-written",
    )
    assert said == ""
    assert ours == plain
