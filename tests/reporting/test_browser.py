"""The page in a real browser; skipped only where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.commands.report import report
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
