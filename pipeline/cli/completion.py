"""Prints completion for a shell: source <(./run.sh completion bash)."""

import argparse

from pipeline.cli.catalogue import COMMANDS, WITHOUT_RUN, accepted_sections, summary
from pipeline.cli.parser import command_parser
from pipeline.settings.parsing import choices_of
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import SECTIONS, WITHOUT_SECTION, all_settings

EXAMPLE = "source <(./run.sh completion bash)"
SHELLS = ("bash", "zsh")
FOLDERS, FILES = ("work",), ("config", "solutions", "submission", "file")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="bash or zsh")


def command(resolved: None, options: argparse.Namespace) -> str:
    import shtab

    return shtab.complete(everything(), options.shell)


def everything() -> argparse.ArgumentParser:
    """All commands with all their options, and each setting as a dotted option."""
    import shtab

    parser = argparse.ArgumentParser(prog="run.sh")
    commands = parser.add_subparsers(dest="command")
    for name in COMMANDS:
        text = summary(name).replace("%", "%%")
        own = command_parser(name)
        child = commands.add_parser(name, parents=[own], add_help=False, help=text)
        if name not in WITHOUT_RUN:
            add_settings(child, name)
        for action in child._actions:
            if action.dest in FOLDERS:
                action.complete = shtab.DIRECTORY
            elif action.dest in FILES:
                action.complete = shtab.FILE
            elif action.dest == "preset":
                action.choices = list(PRESETS)
            elif action.dest == "section":
                action.choices = list(SECTIONS)
    return parser


def add_settings(parser: argparse.ArgumentParser, command: str) -> None:
    accepted = accepted_sections(command)
    for key, item in all_settings().items():
        if key not in WITHOUT_SECTION and key.partition(".")[0] in accepted:
            text = item.metadata["help"].replace("%", "%%")
            parser.add_argument(f"--{key}", choices=choices_of(item), help=text)
