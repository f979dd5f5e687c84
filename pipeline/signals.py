"""Ctrl-C, SIGTERM and a closed terminal: an end in one line, within two seconds."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

GRACE = 1.5  # seconds for what cleans up after itself; files are safe without it
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTICE = "interrupted; run the same command to resume"


class Interrupted(KeyboardInterrupt):
    """A signal that asks this process to end.

    Attributes:
        code: the exit code that tells which.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def end_at_once() -> None:
    """While the program loads: an end without any cleaning up, for there is nothing.

    Lets the signals in that whoever started this process has kept back.
    """
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: leave(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def leave(number: int) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to read it
        os.write(2, f"{NOTICE}\n".encode())
    os._exit(128 + number)


def end_on_signals() -> None:
    """Lets the main thread raise `Interrupted` once; ends the process if it does not.

    A signal that whoever started this process had ignored (nohup) stays ignored.
    """
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    # written to at once, even while the main thread is in native code
    signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    threading.Thread(target=end_after_grace, args=(receiving,), daemon=True).start()
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    for each in ENDING:  # a second one must not break off the cleaning up
        if signal.getsignal(each) == interrupt:
            signal.signal(each, lambda *_: None)
    raise Interrupted(number)


@contextlib.contextmanager
def leaving_at_once(first: Callable[[], object] = lambda: None) -> Iterator[None]:
    """While native code loads, for an exception within it would abort the process.

    Args:
        first: called before the process says that it leaves.
    """

    def end(number: int, frame: FrameType | None) -> None:
        first()
        leave(number)

    own = [number for number in ENDING if signal.getsignal(number) == interrupt]
    if threading.current_thread() is not threading.main_thread():
        own = []
    for number in own:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in own:
            signal.signal(number, interrupt)


def end_after_grace(receiving: int) -> None:
    """Waits for a signal, then for the main thread, but not for long."""
    number = 0
    while number not in ENDING:
        number = os.read(receiving, 1)[0]
    time.sleep(GRACE)
    leave(number)


def end_with_input() -> None:
    """Ends this process when its standard input is closed, as by its starter's end."""

    def wait_for_the_end() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
