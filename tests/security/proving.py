"""Attacks through the doors that everybody uses, and their count."""

import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from agroforest.cli import main
from agroforest.testing.reliability import record

# A fork need not import what is here already.
for _name in (
    *("geopandas", "rio_cogeo", "agroforest.catalog", "agroforest.catalog.api"),
    *("agroforest.cube", "agroforest.nightly.intake", "agroforest.nightly.outlook"),
    *("agroforest.nightly.workplace", "agroforest.products.zonal"),
    *("agroforest.store.migration", "agroforest.hotspots", "agroforest.sensors"),
):
    import_module(_name)

#: What no command may ever show; the first line of a file that no attack may read.
_SECRETS = ("root:x:", "root:*:", "Traceback (most recent call last)", "Usage: ")
_REFUSED = re.compile(r"^.+: .+; .+$", re.MULTILINE)
# A cell's processor seconds, and the memory that it may have beyond what the test's
# process has. An attack of kilobytes that needs more is one that succeeded.
_SECONDS = 60
_MEMORY = 2 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    code
        Exit code; negative where a signal ended it: too slow or too large.
    said
        Standard output and error.
    """

    code: int
    said: str


def prove(case: str, attacks: Mapping[str, Callable[[], object]], note: str) -> None:
    """Try attacks, each of which asserts that it came to nothing, and record them.

    Parameters
    ----------
    case
        Line of the table in docs/reliability.md.
    attacks
        By name.
    note
        What the right outcome was.
    """
    failed: dict[str, str] = {}
    for name, attack in attacks.items():
        try:
            attack()
        except Exception as error:  # noqa: BLE001  counted, and told below
            failed[name] = "".join(traceback.format_exception_only(error))[-1500:]
    tried = len(attacks)
    record("hostile", case, tried=tried, survived=tried - len(failed), note=note)
    assert not failed, "\n\n".join(f"{name}: {why}" for name, why in failed.items())


def run_confined(*arguments: str | Path, cwd: Path) -> Ended:
    """Run a command in a fork with bounded memory and time.

    Its sockets are those of the test: none, unless the test may have them.
    """
    line = ["agroforest", *map(str, arguments)]
    with tempfile.TemporaryFile() as said:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            try:
                os._exit(_run(line, cwd, said.fileno()))
            finally:
                os._exit(70)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    return Ended(code=os.waitstatus_to_exitcode(status), said=text)


def _run(line: Sequence[str], cwd: Path, said: int) -> int:
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(cwd)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + _SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(4 * _SECONDS)
    sys.argv = list(line)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    code = 0
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001  as an interpreter does
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def assert_refused(ended: Ended, *words: str, codes: Sequence[int] = (1, 2, 5)) -> None:
    """Assert that a command said no in a line, and gave nothing away."""
    assert_kept(ended)
    assert ended.code in codes, f"{ended.code}: {ended.said[-1500:]}"
    assert _REFUSED.search(ended.said), ended.said[-1500:]
    for word in words:
        assert word in ended.said, f"{word!r} is not in {ended.said[-1500:]}"


def assert_kept(ended: Ended) -> None:
    """Assert that a command ended by itself, without a secret or a crash."""
    assert ended.code >= 0, f"ended by signal {-ended.code}: {ended.said[-500:]}"
    for secret in _SECRETS:
        assert secret not in ended.said, ended.said[-1500:]
