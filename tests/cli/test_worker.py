"""``agroforest worker`` and ``--scheduler``: what is refused before anything starts."""

from pathlib import Path

import pytest
from tests.cli.test_commands import call


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tcp://10.9.8.7:8786"], "whoever reaches the port runs programs"),
        (["tls://10.9.8.7:8786"], "needs certificates"),
        (["10.9.8.7:8786"], "is no scheduler"),
        (["tcp://127.0.0.1:1", "--work", "none"], "none: is no folder"),
        (["tcp://127.0.0.1:1", "--mount", "x"], "is not PATH=PATH"),
        (["tcp://no.such.host.invalid:1", "--insecure"], "cannot be found"),
    ],
)
def test_a_worker_refuses_in_one_line(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    ended = call("worker", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
