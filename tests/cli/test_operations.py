"""Every command of the manuals of operation is one that the program knows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from agroforest.cli.app import app

# typer has a click of its own and shows this much of it.
_UsageError: Any = typer.BadParameter.__mro__[1]
_DOCS = Path(__file__).resolve().parents[2] / "docs"


def find_commands(manual: str) -> Iterator[list[str]]:
    """Words of the commands in the blocks of shell, without ``agroforest``."""
    text = (_DOCS / manual).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.match(
                r"(?:(?:sudo|runuser) -u \S+ (?:-- )?)?(?:/\S+/)?agroforest (.*)", line
            )
            if command:
                words = command[1].replace("$(nproc)", "2")  # what a shell would say
                words = words.replace("$(date +%F)", "2026-11-22")
                yield shlex.split(words, comments=True)


def parse(command: Any, name: str, words: list[str]) -> None:
    """Parse words as the program would, and run nothing."""
    context = command.make_context(name, list(words))
    if isinstance(command, typer.core.TyperGroup):
        rest = [*context._protected_args, *context.args]
        found, nested, rest = command.resolve_command(context, rest)
        assert found
        parse(nested, found, rest)


@pytest.mark.parametrize("manual", ["operations.md", "deploy.md", "energy.md"])
def test_commands_of_the_manual_exist(manual: str) -> None:
    commands = list(find_commands(manual))
    assert len(commands) >= 5
    root = typer.main.get_command(app)
    for words in commands:
        try:
            parse(root, "agroforest", words)
        except _UsageError as error:
            message = f"{manual}: {shlex.join(words)}: {error.format_message()}"
            raise AssertionError(message) from error


@pytest.mark.parametrize("words", [["schedule", "instal"], ["nightly", "p", "--catch"]])
def test_commands_that_do_not_exist_are_noticed(words: list[str]) -> None:
    with pytest.raises(_UsageError):
        parse(typer.main.get_command(app), "agroforest", words)
