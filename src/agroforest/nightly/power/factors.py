"""Carbon of the grid."""

from dataclasses import dataclass

from agroforest.core.config import EnergySection

#: Grams of CO2 for a kilowatt-hour in Guangxi, 2023: Ministry of Ecology and
#: Environment, Announcement 2025 No. 47, table 3. CO2 only, average of all sources.
GUANGXI_G_PER_KWH = 447.6
_GUANGXI_SOURCE = (
    "Guangxi 2023, Ministry of Ecology and Environment, Announcement 2025 No. 47"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """Carbon of a kilowatt-hour, and where the number is from."""

    g_per_kwh: float
    source: str


def find_factor(section: EnergySection) -> Factor:
    """Factor that a pipeline asks for."""
    if section.factor_g_per_kwh is not None:
        return Factor(g_per_kwh=section.factor_g_per_kwh, source=section.factor_source)
    return Factor(g_per_kwh=GUANGXI_G_PER_KWH, source=_GUANGXI_SOURCE)
