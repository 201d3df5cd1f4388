"""How a command ends that is told to."""

import signal
import subprocess
import sys
from pathlib import Path

# What Dask starts worker processes with, without Dask.
_PROGRAM = """
import sys, time
from multiprocessing import get_context
from agroforest.cli import app, main

@app.app.command()
def rest() -> None:
    queue = get_context("spawn").Queue()
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("done", flush=True)

sys.argv = ["agroforest", "rest"]
main()
"""


def test_a_command_that_is_stopped_leaves_in_order(tmp_path: Path) -> None:
    program = tmp_path / "rest.py"
    program.write_text(_PROGRAM)
    with subprocess.Popen(  # noqa: S603  our own text
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said, complaints) == (
        128 + signal.SIGTERM,
        "done\n",
        "",
    )
