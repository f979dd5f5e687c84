"""./run.sh COMMAND: exit code 0 done, 1 cannot, 2 mistyped, above 128 interrupted."""

from pipeline.signals import NOTICE, Interrupted, end_at_once, end_on_signals

if __name__ == "__main__":
    end_at_once()

import contextlib
import logging
import os
import signal
import sys
import warnings

from pipeline.errors import Misuse, PipelineError, trouble_of_machine
from pipeline.output import OutputClosed, start_logging, stop_printing

FOR_DEVELOPERS = (
    *(DeprecationWarning, PendingDeprecationWarning),
    *(ImportWarning, ResourceWarning),
)

log = logging.getLogger("pipeline")


def main() -> int:
    start_logging()
    try:
        return run(sys.argv[1:])
    except Misuse as error:
        log.error("error: %s", error)
        return 2
    except PipelineError as error:
        log.error("error: %s", error)
        return 1
    except OutputClosed:
        stop_printing()
        return 128 + signal.SIGPIPE
    except Exception as error:
        trouble = trouble_of_machine(error)
        if trouble is None:
            raise
        log.error("error: %s", trouble)
        return 1
    except KeyboardInterrupt as end:
        log.error(NOTICE)
        return end.code if isinstance(end, Interrupted) else 130


def run(words: list[str]) -> int:
    from pipeline.cli.parser import parse  # a signal while it loads is heard too

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


def forget_warnings() -> None:
    """What packages warn their developers of is no error, whatever PYTHONWARNINGS."""
    os.environ.pop("PYTHONWARNINGS", None)  # worker processes go by these two
    sys.warnoptions[:] = [word for word in sys.warnoptions if "error" not in word]
    warnings.resetwarnings()
    for category in FOR_DEVELOPERS:
        warnings.simplefilter("ignore", category)


if __name__ == "__main__":
    end_on_signals()
    forget_warnings()
    code = main()
    if code > 128:
        with contextlib.suppress(AttributeError, OSError):
            sys.stdout.flush()
        os._exit(code)  # threads of native code may take their time
    sys.exit(code)
