"""The machine under us: what it is, and what it draws."""

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Watts of a processor core at work: what codecarbon 3.3 assumes of processors
#: that are not in its list (core/cpu.py, DEFAULT_POWER_PER_CORE).
WATTS_PER_CORE = 4.0
#: Watts of a gigabyte of memory: 3 W for 8 GB (Crucial, "How much power does
#: memory use?", as codecarbon took it before release 3).
WATTS_PER_GB = 3.0 / 8.0
#: Grams of CO2 for a kilowatt-hour in Guangxi, 2023: Ministry of Ecology and
#: Environment, Announcement 2025 No. 47, table 3. CO2 only, average of all sources.
GUANGXI_G_PER_KWH = 447.6

_LIBRARIES = ("agroforest", "numpy", "numba", "rasterio", "zarr", "scipy", "torch")
_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What figures were measured on; another machine has other figures.

    Attributes
    ----------
    processor
        Model name.
    cores
        Logical processors.
    memory_gb
        10^9 bytes.
    versions
        Of Python and of the libraries that do the work, by name.
    """

    processor: str
    cores: int
    memory_gb: float
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def watts(self) -> float:
        """Power of processor and memory at work, by assumption.

        Power supply, disks and cooling come on top.
        """
        return self.cores * WATTS_PER_CORE + self.memory_gb * WATTS_PER_GB


def read_machine() -> Machine:
    """Describe this machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(pages / 1e9, 1),
        versions={
            "python": platform.python_version(),
            **{name: found for name in _LIBRARIES if (found := _version(name))},
        },
    )


class EnergyMeter:
    """The processor's own energy counters (RAPL), where the system lets us read them.

    Parameters
    ----------
    root
        Folder of the kernel's powercap tree.
    """

    def __init__(self, root: Path = _POWERCAP) -> None:
        # Packages only: the domains below them are part of them.
        self._packages = [
            p for p in sorted(root.glob("intel-rapl:*")) if p.name.count(":") == 1
        ]
        self._start = self._read()

    def joules(self) -> float | None:
        """Energy since the meter was made; ``None`` where it cannot be read."""
        if self._start is None:
            return None
        now = self._read()
        if now is None:
            return None
        used = 0
        for package, before, after in zip(
            self._packages, self._start, now, strict=True
        ):
            # The counter starts again from zero, every few minutes to hours.
            wrapped = _number(package / "max_energy_range_uj") if after < before else 0
            used += after - before + (wrapped or 0)
        return used / 1e6

    def _read(self) -> list[int] | None:
        found = [_number(package / "energy_uj") for package in self._packages]
        numbers = [n for n in found if n is not None]
        return numbers if numbers and len(numbers) == len(found) else None


def reset_peak_memory() -> None:
    """Forget this process's peak so far, where the system allows it."""
    try:
        # "5" resets the peak: proc(5), /proc/pid/clear_refs.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory() -> int:
    """Largest resident memory of this process since the reset, bytes; 0 if unknown."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return 1024 * int(found[0]) if found else 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
