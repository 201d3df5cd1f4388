"""The processor's own energy counters."""

from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")


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
        self._last = self._read()
        self._used = 0

    def joules(self) -> float | None:
        """Energy since the meter was made; ``None`` where it cannot be read.

        Ask more often than a counter starts again from zero: one of 2^38 microjoules,
        as is usual, lasts twenty minutes at 200 W.
        """
        if self._last is None:
            return None
        now = self._read()
        if now is None:
            return None
        for package, before, after in zip(self._packages, self._last, now, strict=True):
            wrapped = _number(package / "max_energy_range_uj") if after < before else 0
            self._used += after - before + (wrapped or 0)
        self._last = now
        return self._used / 1e6

    def _read(self) -> list[int] | None:
        found = [_number(package / "energy_uj") for package in self._packages]
        numbers = [n for n in found if n is not None]
        return numbers if numbers and len(numbers) == len(found) else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
