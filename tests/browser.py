"""A headless Chromium spoken to through a pipe: what a page asks for, and its looks."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
)
PATIENCE = 60  # seconds for an answer


@dataclass
class Page:
    """What came of opening a page.

    Attributes:
        requests: every address asked for, but for the page itself and data in it.
        complaints: console messages, exceptions and what the browser logged.
        overflow: pixels by which the page is wider than the window.
        answer: what the script came to.
        screenshot: the whole page, a PNG.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    overflow: int = 0
    answer: Any = None
    screenshot: bytes = b""


class Browser:
    """Commands down one pipe, answers and events up the other."""

    def __init__(self, commands: int, answers: int) -> None:
        self.commands, self.answers = commands, answers
        self.rest, self.number, self.events = b"", 0, []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def wait_for(self, method: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self.receive()

    def receive(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            if not select.select([self.answers], [], [], max(0, left))[0]:
                raise TimeoutError("the browser is silent")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EOFError("the browser has gone")
            self.rest += part
        line, self.rest = self.rest.split(b"\0", 1)
        answer = json.loads(line)
        if "id" not in answer:
            self.events.append(answer)
        return answer


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A Chromium of its own, gone at the end."""
    its_commands, commands = os.pipe()
    answers, its_answers = os.pipe()
    # Chromium reads at descriptor 3 and writes at 4; the shell puts them there
    line = f'exec "$0" "$@" 3<&{its_commands} 4>&{its_answers}'
    words = [*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", line, CHROMIUM, *words, "about:blank"],
        pass_fds=(its_commands, its_answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_commands)
    os.close(its_answers)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        process.terminate()
        process.wait(20)


def look_at(
    chromium: Browser,
    address: str,
    width: int,
    dark: bool = False,
    media: str = "screen",
    script: str = "",
) -> Page:
    """Opens a page in a window of its own, notes what it does, takes its picture.

    Args:
        chromium: the browser.
        address: of the page.
        width: of the window.
        dark: whether its user likes it dark.
        media: screen or print.
        script: done by the page once it is loaded.
    """
    target = chromium.call("Target.createTarget", url="about:blank")["targetId"]
    session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)[
        "sessionId"
    ]

    def tell(method: str, **params: Any) -> dict[str, Any]:
        return chromium.call(method, session, **params)

    for domain in ("Page", "Network", "Runtime", "Log"):
        tell(f"{domain}.enable")
    tell(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    tell("Emulation.setEmulatedMedia", media=media, features=[scheme])
    chromium.events.clear()
    tell("Page.navigate", url=address)
    chromium.wait_for("Page.loadEventFired")

    def ask(expression: str) -> Any:
        return tell("Runtime.evaluate", expression=expression)["result"].get("value")

    page = Page(answer=ask(script))
    page.overflow = max(0, ask("document.documentElement.scrollWidth") - width)
    shot = tell("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    page.screenshot = base64.b64decode(shot["data"])
    for event in chromium.events:
        note(page, event, address)
    tell("Page.close")
    return page


def note(page: Page, event: dict[str, Any], address: str) -> None:
    params = event["params"]
    if event["method"] == "Network.requestWillBeSent":
        url = params["request"]["url"]
        if url != address and not url.startswith("data:"):
            page.requests.append(url)
    elif event["method"] == "Log.entryAdded":
        page.complaints.append(params["entry"]["text"])
    elif event["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
        page.complaints.append(json.dumps(params))
