"""Units and cron lines on this machine: written, found, taken away."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.core.files import write_text
from agroforest.schedule.crontab import read_blocks, replace_block
from agroforest.schedule.job import Job, read_mark
from agroforest.schedule.units import unit_name

SYSTEM_UNITS = Path("/etc/systemd/system")
SYSTEM_CRON = Path("/etc/cron.d")
# Seconds that `systemctl` and `crontab` may take; arbitrary.
_PATIENCE = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A job that was installed.

    Attributes
    ----------
    job
        What is done.
    where
        The timer or cron file, or ``crontab``.
    """

    job: Job
    where: str


def user_units() -> Path:
    """Folder of the units of whoever asks; systemd.unit(5)."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user"


def write_units(folder: Path, units: dict[str, str]) -> list[Path]:
    """Write units, each in one step; the same text again changes no file.

    Raises
    ------
    ConfigurationError
        The folder cannot be written.
    """
    paths = []
    for name, text in sorted(units.items()):
        path = folder / name
        try:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                write_text(path, text)
                path.chmod(0o644)
        except OSError as error:
            raise ConfigurationError(
                path,
                f"cannot be written ({error.strerror})",
                "ask with more rights (sudo), or use --user or --folder",
            ) from error
        paths.append(path)
    return paths


def remove_files(folder: Path, name: str) -> list[Path]:
    """Take units and cron file of a pipeline away; which there were.

    Raises
    ------
    ConfigurationError
        The folder cannot be written.
    """
    unit = unit_name(name)
    gone = []
    for file in (f"{unit}.timer", f"{unit}.service", unit):
        path = folder / file
        if not path.is_file():
            continue
        try:
            path.unlink()
        except OSError as error:
            raise ConfigurationError(
                path,
                f"cannot be removed ({error.strerror})",
                "ask with more rights (sudo)",
            ) from error
        gone.append(path)
    return gone


def find_files(folder: Path) -> list[Installed]:
    """Find the timers and cron files of ours in a folder."""
    found = []
    pattern = unit_name("*")
    for path in sorted({*folder.glob(f"{pattern}.timer"), *folder.glob(pattern)}):
        if path.suffix not in ("", ".timer"):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        jobs = (read_mark(line) for line in lines)
        found += [Installed(job=j, where=str(path)) for j in jobs if j is not None]
    return found


def read_crontab() -> str | None:
    """Read the crontab of whoever asks; ``None`` where there is no cron.

    Raises
    ------
    SourceError
        cron refuses.
    """
    program = shutil.which("crontab")
    if program is None:
        return None
    ended = _run([program, "-l"])
    if ended.returncode == 0:
        return ended.stdout
    if "no crontab for" in ended.stderr:
        return ""
    raise SourceError("crontab -l", _first_line(ended.stderr), "see /etc/cron.allow")


def write_block(name: str, block: str) -> bool:
    """Put a block into the crontab of whoever asks, or take it away.

    Returns
    -------
    bool
        Whether that changed anything.

    Raises
    ------
    ConfigurationError
        There is no cron on this machine; what was to be written is in the message.
    SourceError
        cron refuses.
    """
    before = read_crontab()
    program = shutil.which("crontab")
    if before is None or program is None:
        line = block.splitlines()[1] if block else ""
        raise ConfigurationError(
            "crontab",
            "is not on this machine",
            f"install cron, or have this line run every night: {line}",
        )
    after = replace_block(before, name, block)
    if after == before:
        return False
    ended = _run([program, "-"], after)
    if ended.returncode != 0:
        raise SourceError("crontab", _first_line(ended.stderr), "see /etc/cron.allow")
    return True


def find_crontab() -> list[Installed]:
    """Find the jobs in the crontab of whoever asks."""
    jobs = read_blocks(read_crontab() or "")
    return [Installed(job=job, where="crontab") for job in jobs]


def call_systemctl(words: list[str]) -> None:
    """Run ``systemctl``.

    Raises
    ------
    SourceError
        It is missing or refuses.
    """
    program = shutil.which("systemctl")
    shown = " ".join(["systemctl", *words])
    if program is None:
        raise SourceError(
            shown, "systemctl is not on this machine", "use --cron, or `schedule run`"
        )
    ended = _run([program, *words])
    if ended.returncode != 0:
        raise SourceError(
            shown, _first_line(ended.stderr), "mend that, and run this command by hand"
        )


def _run(words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        ended = subprocess.run(  # noqa: S603  found on the path, words of ours
            words,
            # Lines of others may be anything, and come back as they were.
            input=text.encode(errors="surrogateescape"),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(words[0], f"does not end ({error})", "try again") from error
    return subprocess.CompletedProcess(
        words,
        ended.returncode,
        ended.stdout.decode(errors="surrogateescape"),
        ended.stderr.decode(errors="replace"),
    )


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "it failed without a word")
