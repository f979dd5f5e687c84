"""A process with TensorFlow loaded that forks runs: none has to load it again."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

from pipeline.settings.backend import silence

BEGUN, OVER = "-- begun ", "-- over"


class Zygote:
    """Starts runs of the pipeline, one at a time, and reads what they say."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from tests.zygote import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self, words: list[str]) -> int:
        """Starts `./run.sh WORDS`; returns its process id."""
        print(json.dumps(words), file=self.process.stdin, flush=True)
        for line in self.process.stdout:  # helpers of the last run may still complain
            if line.startswith(BEGUN):
                return int(line.removeprefix(BEGUN))
        raise RuntimeError("the zygote has died")

    def lines(self) -> Iterator[str]:
        """What the run says, line by line, until it is over."""
        for line in self.process.stdout:
            if line.startswith(OVER):
                return
            yield line

    def close(self) -> None:
        self.process.communicate()  # its commands are at their end, and so is it


def serve() -> None:
    """Forks a process for each line of standard input, and waits for its end."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # loaded but not used: TensorFlow's threads would not outlive a fork
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras  # noqa: F401
    from pipeline.__main__ import main

    for line in sys.stdin:
        run = os.fork()
        if not run:
            say(f"{BEGUN}{os.getpid()}")
            sys.argv = ["./run.sh", *json.loads(line)]
            sys.exit(main())
        os.waitpid(run, 0)
        say(OVER)


def say(text: str) -> None:
    """A whole line at once: a helper's complaint must not come before its end."""
    os.write(sys.stdout.fileno(), f"{text}\n".encode())
