"""Power of a machine at work, by assumption."""

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
