"""./run.sh COMMAND: exit code 0 done, 1 cannot, 2 mistyped, 130 and 143 interrupted."""

import logging
import signal
import sys

from pipeline.cli.parser import parse
from pipeline.errors import Misuse, PipelineError
from pipeline.progress import start_logging

log = logging.getLogger("pipeline")


def main() -> int:
    start_logging()
    # a polite end looks like Ctrl-C: clean-up runs, the exit code tells
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(sys.argv[1:])
    except Misuse as error:
        log.error("error: %s", error)
        return 2
    except PipelineError as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; run the same command to resume")
        return 130


def run(words: list[str]) -> int:
    options = parse(words)
    if options.command is None:
        return 0
    if options.quiet:
        start_logging(quiet=True)
    from pipeline.cli.running import repeated, run_command
    from pipeline.runs.receipts import NotDone

    try:
        run_command(options)
    except NotDone as error:
        raise PipelineError(error.told(repeated(options, error.made_by))) from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
