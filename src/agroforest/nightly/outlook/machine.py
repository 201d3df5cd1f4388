"""The machine under us: what it is, and what it draws."""

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agroforest.nightly.power.watts import WATTS_PER_CORE, WATTS_PER_GB

_LIBRARIES = ("agroforest", "numpy", "numba", "rasterio", "zarr", "scipy", "torch")


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

    def watts(self, per_core: float = WATTS_PER_CORE) -> float:
        """Power of processor and memory at work, by assumption.

        Power supply, disks and cooling come on top.
        """
        return self.cores * per_core + self.memory_gb * WATTS_PER_GB


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
