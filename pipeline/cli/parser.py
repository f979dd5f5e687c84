"""What is typed, made options; the help; and a hint for who mistypes."""

import argparse
from collections.abc import Iterator, Sequence
from typing import NoReturn

from pipeline.cli.catalogue import (
    COMMANDS,
    EXAMPLES,
    IN_PARTS,
    ON_CLUSTER,
    STAGES,
    WITHOUT_RUN,
    accepted_sections,
    module_of,
    own_sections,
    summary,
)
from pipeline.errors import Misuse
from pipeline.output import say
from pipeline.parts import part_of
from pipeline.runs.paths import PROJECT
from pipeline.settings.parsing import known_setting
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import WITHOUT_SECTION, all_settings
from pipeline.settings.spelling import closest

SHORT = """Galaxy Zoo: from nothing to a Kaggle submission.

  ./run.sh all --preset tiny              the whole path in seconds, on a rendered sky
  ./run.sh all --source kaggle            the competition, after ./run.sh doctor
  ./run.sh status                         what is done, and what is not

"./run.sh --help" lists all commands.
"""
EXIT_CODES = "exit codes: 0 done, 1 cannot be done, 2 mistyped, above 128 interrupted"
INDENT, WIDTH = 24, 88


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, not with the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise Misuse(f'{message}. "{self.prog} --help" explains it.')


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; `command` is None where it asks for help alone.

    Raises:
        Misuse: an unknown command or option, or a word that is missing or too much.
    """
    if not words:
        return told(SHORT)
    first = words[0]
    if first in ("-h", "--help", "help"):
        return told(overview())
    if first in ("-V", "--version"):
        return told(f"{project_version()}\n")
    if first.startswith("-"):
        raise Misuse(f'The command comes first, then "{first}": ./run.sh COMMAND ...')
    if first not in COMMANDS:
        raise Misuse(
            f'Unknown command "{first}". Did you mean "{closest(first, COMMANDS)}"? '
            '"./run.sh --help" lists them all.'
        )
    parser = command_parser(first)
    options, unknown = parser.parse_known_args([*as_set(words[1:])])
    if unknown:
        refuse_unknown(parser, unknown[0])
    refuse_empty(options)
    options.command, options.words = first, words[1:]
    return options


def refuse_empty(options: argparse.Namespace) -> None:
    """Refuses a word that is empty, as of a variable that is not set."""
    for name, value in vars(options).items():
        if name != "message" and value == "":
            raise Misuse(f"{name} got an empty word. Is a variable not set?")


def told(text: str) -> argparse.Namespace:
    say(text, end="")
    return argparse.Namespace(command=None)


def refuse_unknown(parser: Parser, word: str) -> NoReturn:
    if not word.startswith("-"):
        raise Misuse(
            f'"{word}" is one word too many. "{parser.prog} --help" says more.'
        )
    name = word.partition("=")[0]
    if name.removeprefix("--") in WITHOUT_SECTION:
        raise Misuse(f'{name} is for "./run.sh all".')
    options = [option for option in parser._option_string_actions if option[:2] == "--"]
    known = [*options, *(f"--{key}" for key in all_settings())]
    raise Misuse(
        f'Unknown option "{name}". Did you mean "{closest(name, known)}"? '
        f'"{parser.prog} --help" lists them all.'
    )


def as_set(words: Sequence[str]) -> Iterator[str]:
    """Dotted options, `--train.epochs 60` or `--train.epochs=60`, in words of `--set`.

    Raises:
        Misuse: an unknown setting, or one without a value.
    """
    rest = iter(words)
    for word in rest:
        key, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or "." not in key:
            yield word
            if word in ("--set", "--unset", "--message", "--config"):
                yield from (item for item in [next(rest, None)] if item is not None)
            continue
        known_setting(key)
        if not equals:
            value = next(rest, None)
            if value is None:
                raise Misuse(f"--{key} takes a value: --{key}=VALUE.")
        yield f"--set={key}={value}"


def command_parser(command: str) -> Parser:
    parser = Parser(
        prog=f"./run.sh {command}",
        description=f"{sentence(summary(command))}.",
        epilog=epilog(command),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=INDENT, width=WIDTH
        ),
        allow_abbrev=False,
    )
    module = module_of(command)
    if hasattr(module, "add_options"):
        module.add_options(parser)
    if hasattr(module, "gather"):
        parser.add_argument("--json", action="store_true", help="print JSON")
    if command in ("all", *STAGES):
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be made, and why"
        )
        parser.add_argument(
            "--force", action="store_true", help="make it anew, though it is up to date"
        )
    if command in IN_PARTS:
        parser.add_argument(
            "--part",
            type=part_of,
            metavar="I/N",
            help="one of N parts alone; without it, what is left, and all joined",
        )
    if command == "train":
        parser.add_argument(
            "--member", type=int, metavar="K", help="this network alone, from 1 on"
        )
    if command in ON_CLUSTER:
        parser.add_argument(
            "--scheduler",
            metavar="ADDRESS",
            help="parts on a Dask cluster: docs/scaling.md",
        )
    if command == "all":
        parser.add_argument(
            "--minutes",
            metavar="M",
            help="time for all; epochs, networks and views follow from it",
        )
    if command not in WITHOUT_RUN:
        add_common(parser)
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="errors and warnings alone"
    )
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--work", metavar="DIR", help="work directory (default work/<source>)"
    )
    parser.add_argument(
        "--source",
        metavar="auto|kaggle|demo|FOLDER",
        help="where the galaxies come from (default: saved, else auto)",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help=f"{', '.join(PRESETS)} (default: saved, else gpu or cpu)",
    )
    parser.add_argument(
        "--config", metavar="FILE.toml", help="settings, source and preset from a file"
    )
    parser.add_argument(
        "--set",
        metavar="section.key=value",
        action="append",
        default=[],
        help="one setting, also written --section.key value; may be given again",
    )
    parser.add_argument(
        "--unset",
        metavar="section.key",
        action="append",
        default=[],
        help="drop a saved setting; may be given again",
    )


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def epilog(command: str) -> str:
    """An example, and where its settings are explained."""
    example = EXAMPLES.get(command) or module_of(command).EXAMPLE
    lines = [f"example: {example}"]
    own = own_sections(command)
    if command == "all":
        lines.append(
            'settings: "./run.sh settings", or of a section alone: '
            '"./run.sh settings train"'
        )
    elif own:
        also = [name for name in accepted_sections(command) if name not in own]
        text = " and ".join(f'"./run.sh settings {section}"' for section in own)
        lines.append(f"settings: {text}")
        if also:
            lines.append(f"also taken: settings of {', '.join(also)}")
    return "\n".join(lines)


def overview() -> str:
    """Every command in a line."""
    lines = [
        "usage: ./run.sh COMMAND [options]",
        "",
        *(f"  {command:16}{summary(command)}" for command in COMMANDS),
        f"  {'test':16}Runs the test suite",
        "",
        '"./run.sh COMMAND --help" has the options and an example of each,',
        '"./run.sh settings" every setting. --version prints the version.',
        EXIT_CODES,
    ]
    return "\n".join(lines) + "\n"


def project_version() -> str:
    """The name and version that pyproject.toml gives."""
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return f"{project['name']} {project['version']}"
