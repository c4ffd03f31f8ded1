"""The command ``paceline completion``: a script for the shell, made of the command line as it is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from .arguments import writable

SHELLS = ("bash", "zsh", "fish", "tcsh")

ABOUT = """\
Print a script that lets a shell complete commands, options and file names.
"""

EXAMPLES = """\
where it goes:
  bash   paceline completion bash > ~/.local/share/bash-completion/completions/paceline
  zsh    paceline completion zsh > ~/.zfunc/_paceline    (with fpath+=~/.zfunc before compinit in .zshrc)
  fish   paceline completion fish > ~/.config/fish/completions/paceline.fish
  tcsh   paceline completion tcsh > ~/.paceline.completion.csh    (to be sourced in .tcshrc)
"""


def describe_completion(parser: argparse.ArgumentParser) -> None:
    """Add the options to its own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="yours")


def complete(whole: argparse.ArgumentParser, shell: str) -> int:
    """Print the script for *whole*, and give the exit code."""
    if find_spec("shtab") is None:
        print("paceline completion needs shtab: pip install 'paceline[gateway]'", file=sys.stderr)
        return 2
    import shtab  # noqa: PLC0415  only this command needs it

    for action in _actions(whole):
        if action.type in {Path, writable}:
            vars(action)["complete"] = shtab.FILE  # as shtab wants it
    print(shtab.complete(whole, shell))
    return 0


class _Commands(Protocol):
    """What holds the commands, as far as it is used here."""

    choices: dict[str, argparse.ArgumentParser]


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # noqa: SLF001  argparse has no other way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  likewise
            found.update(cast("_Commands", action).choices)
    return found


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument, those of the commands included."""
    yield from parser._actions  # noqa: SLF001  as above
    for command in commands_of(parser).values():
        yield from _actions(command)
