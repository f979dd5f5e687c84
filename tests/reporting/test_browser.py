"""The page in a real browser; skipped only where there is none."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.report import report
from pipeline.runs.contents import load_held_out
from pipeline.runs.graph import Run
from tests.browser import CHROMIUM, Browser, browser, look_at

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_asks_for_nothing_and_complains_of_nothing(
    chromium: Browser, finished: Run, width: int, dark: bool
) -> None:
    report(finished)
    page = look_at(chromium, finished.work.page.as_uri(), width, dark=dark)
    assert page.requests == []
    assert page.complaints == []
    assert page.overflow == 0
    assert len(page.screenshot) > 100_000


OPEN_ALL = "for (const part of document.querySelectorAll('details')) part.open = true"


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (700, "print")])
def test_with_all_folds_open_the_page_is_no_wider_than_the_window(
    chromium: Browser, finished: Run, width: int, media: str
) -> None:
    report(finished)
    address = finished.work.page.as_uri()
    page = look_at(chromium, address, width, media=media, script=OPEN_ALL)
    assert page.overflow == 0
    assert page.complaints == []


# clicks on the head of a column, writes into the field, and reads the first column
USE_TABLE = """
const table = document.getElementById("galaxy-table");
const field = document.getElementById("galaxy-filter");
const first = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
const found = [first()];
table.tHead.rows[0].cells[0].firstElementChild.click();
found.push(first());
table.tHead.rows[0].cells[0].firstElementChild.click();
found.push(first());
field.value = found[0][0];
field.dispatchEvent(new Event("input"));
found.push(first());
JSON.stringify(found)
"""


def test_the_table_of_galaxies_is_sorted_and_searched(
    chromium: Browser, finished: Run
) -> None:
    report(finished)
    page = look_at(chromium, finished.work.page.as_uri(), 1280, script=USE_TABLE)
    by_rmse, rising, falling, searched = json.loads(page.answer)
    data = load_held_out(finished.held_out)
    rmse = np.sqrt(((data.fractions - data.targets) ** 2).mean(axis=1))
    worst_first = data.ids[np.argsort(-rmse, kind="stable")]
    assert by_rmse == [str(galaxy) for galaxy in worst_first]
    assert rising == sorted(by_rmse)
    assert falling == rising[::-1]
    assert searched == by_rmse[:1]


def test_what_a_page_asks_for_is_noticed(chromium: Browser, tmp_path: Path) -> None:
    address = "http://127.0.0.1:9/galaxy.png"  # a port where nobody answers
    broken = tmp_path / "broken.html"
    broken.write_text(
        f'<img src="{address}"><div style="width: 2000px">wide</div>'
        "<script>console.error('look'); nothing.at.all</script>"
    )
    page = look_at(chromium, broken.as_uri(), 390)
    assert address in page.requests
    assert any("look" in complaint for complaint in page.complaints)
    assert any("nothing is not defined" in complaint for complaint in page.complaints)
    assert page.overflow > 1000
