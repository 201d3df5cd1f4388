"""Carbon of the grid."""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from agroforest.core.config import EnergySection
from agroforest.core.errors import ConfigurationError

#: Grams of CO2 for a kilowatt-hour, 2023, by province: Ministry of Ecology and
#: Environment and National Bureau of Statistics, Announcement 2025 No. 47, table 3,
#: https://www.mee.gov.cn/xxgk2018/xxgk/xxgk01/202512/t20251231_1139517.html
#: CO2 only, average of all that is generated, trade between provinces counted. The
#: table has no row for Tibet, Hong Kong, Macao and Taiwan.
PROVINCES = {
    "beijing": 555.4,
    "tianjin": 679.6,
    "hebei": 651.6,
    "shanxi": 663.4,
    "inner-mongolia": 647.9,
    "liaoning": 487.8,
    "jilin": 467.1,
    "heilongjiang": 522.9,
    "shanghai": 573.7,
    "jiangsu": 582.7,
    "zhejiang": 497.4,
    "anhui": 655.3,
    "fujian": 421.1,
    "jiangxi": 583.6,
    "shandong": 619.1,
    "henan": 589.7,
    "hubei": 404.4,
    "hunan": 497.6,
    "guangdong": 441.9,
    "guangxi": 447.6,
    "hainan": 364.8,
    "chongqing": 558.1,
    "sichuan": 156.4,
    "guizhou": 568.3,
    "yunnan": 133.3,
    "shaanxi": 633.5,
    "gansu": 447.1,
    "qinghai": 179.6,
    "ningxia": 618.7,
    "xinjiang": 602.1,
}
#: The province that is meant where nothing is said.
HOME = "guangxi"
GUANGXI_G_PER_KWH = PROVINCES[HOME]
_ANNOUNCEMENT = "2023, Ministry of Ecology and Environment, Announcement 2025 No. 47"
_COUNTRIES = "codecarbon", "data/private_infra/global_energy_mix.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """Carbon of a kilowatt-hour.

    Attributes
    ----------
    g_per_kwh
        Grams of CO2, or of CO2 equivalent where the source says so.
    source
        Where the number is from.
    """

    g_per_kwh: float
    source: str


def find_factor(section: EnergySection) -> Factor:
    """Find the factor that a pipeline asks for.

    Raises
    ------
    ConfigurationError
        A province or country of which no factor is known.
    """
    if section.factor_g_per_kwh is not None:
        return Factor(g_per_kwh=section.factor_g_per_kwh, source=section.factor_source)
    if section.country is not None:
        return _of_country(section.country)
    province = (section.province or HOME).strip().lower().replace(" ", "-")
    if province not in PROVINCES:
        raise ConfigurationError(
            f"energy.province {section.province!r}",
            "is not in the announcement of 2023's factors",
            f"give one of {', '.join(PROVINCES)}, or factor_g_per_kwh with its source",
        )
    return Factor(g_per_kwh=PROVINCES[province], source=f"{province} {_ANNOUNCEMENT}")


def _of_country(code: str) -> Factor:
    """Factor of a country, from the data that codecarbon ships."""
    package, name = _COUNTRIES
    path = data_path(package, name)
    if path is None:
        raise ConfigurationError(
            f"energy.country {code!r}",
            "needs the data of codecarbon",
            "install it (pip install 'agroforest[energy]'), or give factor_g_per_kwh",
        )
    found = json.loads(path.read_text(encoding="utf-8")).get(code)
    if found is None:
        raise ConfigurationError(
            f"energy.country {code!r}",
            "is no country that codecarbon knows",
            "give its ISO code of three letters, such as VNM, or factor_g_per_kwh",
        )
    return Factor(
        g_per_kwh=float(found["carbon_intensity"]),
        source=f"{found['country_name']} {found['year']}, in codecarbon",
    )


def data_path(package: str, name: str) -> Path | None:
    """Path of a package's data file; ``None`` where it is not installed.

    The package is not imported: that takes seconds.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.is_file():
            return path
    return None
