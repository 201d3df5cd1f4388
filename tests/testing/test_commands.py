"""A forked command is one as people start it: words, folder, output, exit code."""

import os
import subprocess
import sys
from pathlib import Path

from agroforest import __version__
from agroforest.testing.commands import run_command

#: What the installed program does.
_PROGRAM = (
    "import sys; from agroforest.cli import main; sys.argv[0] = 'agroforest'; main()"
)


def start(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_ends_and_says_what_a_started_one_does(tmp_path: Path) -> None:
    for line in (["--version"], ["nightly", "none.toml"], ["--color"]):
        forked, started = run_command(*line, cwd=tmp_path), start(*line, cwd=tmp_path)
        assert forked.returncode == started.returncode
        assert forked.stdout == started.stdout
        assert forked.stderr == started.stderr


def test_one_command_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    before, here = dict(os.environ), Path.cwd()
    narrow = run_command("--help", cwd=tmp_path, env={**before, "COLUMNS": "60"})
    wide = run_command("--help", env={**before, "COLUMNS": "200"})
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    assert max(map(len, wide.stdout.splitlines())) > 60
    assert (dict(os.environ), Path.cwd()) == (before, here)
    assert run_command("--version").stdout.strip() == __version__
