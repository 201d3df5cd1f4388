"""Power of a machine at work, by assumption."""

import csv
import os
import re
from pathlib import Path

from agroforest.core.config import EnergySection
from agroforest.nightly.power.factors import data_path

#: Watts of a processor core at work: what codecarbon 3.3 assumes of processors
#: that are not in its list (core/cpu.py, DEFAULT_POWER_PER_CORE).
WATTS_PER_CORE = 4.0
#: Watts of a gigabyte of memory: 3 W for 8 GB (Crucial, "How much power does
#: memory use?", as codecarbon took it before release 3).
WATTS_PER_GB = 3.0 / 8.0
#: Joules of a kilowatt-hour.
KWH = 3.6e6


def processor_joules(
    cpu_seconds: float, watts_per_core: float = WATTS_PER_CORE
) -> float:
    """Energy of processor seconds, joules."""
    return cpu_seconds * watts_per_core


def memory_joules(seconds: float, gigabytes: float) -> float:
    """Energy of memory that is powered for some seconds, joules."""
    return seconds * gigabytes * WATTS_PER_GB


_LIST = "codecarbon", "data/hardware/cpu_power.csv"
_NOISE = re.compile(
    r"\((?:r|tm)\)|@.*|\bcpu\b|\bprocessor\b|\b\d+-core\b", re.IGNORECASE
)


def resolve_watts(section: EnergySection) -> float:
    """Watts of a core at work: as given, by the maker's sheet, or assumed.

    The maker's sheet is codecarbon's list of design powers, where the extra ``energy``
    is installed and the processor is in it, divided by the logical processors. Under a
    hypervisor nobody knows how many others the processor has, and it is not used.
    """
    if section.watts_per_core is not None:
        return section.watts_per_core
    path = data_path(*_LIST)
    return (read_listed_watts(path) if path else None) or WATTS_PER_CORE


def read_listed_watts(
    path: Path, cpuinfo: Path = Path("/proc/cpuinfo"), cores: int | None = None
) -> float | None:
    """Watts of a logical processor by a list of processors.

    Parameters
    ----------
    path
        CSV with columns ``Name`` and ``TDP`` (watts of one processor).
    cpuinfo
        What the kernel says of this machine's.
    cores
        Logical processors; this machine's unless given.

    Returns
    -------
    float or None
        ``None`` where the processor is not in the list, or is one of a hypervisor.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    known = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    fields = [pair for pair in known if len(pair) == 2]
    names = {value for key, value in fields if key == "model name"}
    sockets = {value for key, value in fields if key == "physical id"}
    flags = next((value for key, value in fields if key == "flags"), "")
    if "hypervisor" in flags.split() or len(names) != 1:
        return None
    wanted = _norm(names.pop())
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if _norm(row["Name"]) == wanted:
                whole = float(row["TDP"]) * max(1, len(sockets))
                return whole / (cores or os.cpu_count() or 1)
    return None


def _norm(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name).lower().split())
