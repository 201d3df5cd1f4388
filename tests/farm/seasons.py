"""Files of a short season in the form of pyfao56, made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

RULE = "*" * 72
FIRST = date(2021, 3, 1)
DAYS = 60

PARAMETERS = {
    "Kcmini": "0.3500",
    "Kcmmid": "1.1500",
    "Kcmend": "0.6000",
    "Kcbini": "0.1500",
    "Kcbmid": "1.1000",
    "Kcbend": "0.5000",
    "Lini": "10",
    "Ldev": "20",
    "Lmid": "15",
    "Lend": "10",
    "hini": "0.0500",
    "hmax": "1.2000",
    "thetaFC": "0.2500",
    "thetaWP": "0.1000",
    "theta0": "0.2000",
    "Zrini": "0.2000",
    "Zrmax": "0.6000",
    "pbase": "0.5000",
    "Ze": "0.1000",
    "REW": "8.0000",
    "CN2": "70",
}
WEATHER_COLUMNS = (
    *("Srad", "Tmax", "Tmin", "Vapr", "Tdew", "RHmax", "RHmin"),
    *("Wndsp", "Rain", "ETref", "MorP"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """Where its files lie."""

    par: Path
    wth: Path
    irr: Path
    sol: Path
    upd: Path


def year_day(day: date) -> str:
    """As the files name a day."""
    return f"{day:%Y-%j}"


def head(kind: str, *, stamped: bool = True) -> str:
    """Header; the oldest files have neither time stamp nor comments."""
    lines = [RULE, "pyfao56: FAO-56 Evapotranspiration in Python", kind]
    if stamped:
        lines += ["Timestamp: 02/09/2026 17:10:43", RULE, "Comments: made up"]
    return "\n".join([*lines, RULE]) + "\n"


def write_par(
    path: Path, changes: Mapping[str, str | None] | None = None, *, stamped: bool = True
) -> Path:
    """Parameters; a change of ``None`` leaves one out."""
    values = {
        k: v for k, v in (PARAMETERS | dict(changes or {})).items() if v is not None
    }
    lines = [f"{value:>9s} {name}, what it is" for name, value in values.items()]
    path.write_text(head("Parameter Data", stamped=stamped) + "\n".join(lines) + "\n")
    return path


def write_wth(
    path: Path,
    *,
    seed: int = 1,
    reference: str = "S",
    wind_height: float = 3.0,
    blank: tuple[str, ...] = (),
    days: int = DAYS,
    **fixed: float,
) -> Path:
    """Weather; columns in `blank` are NaN on two days of three."""
    chance = np.random.default_rng(seed)
    text = head("Weather Data")
    text += f"           {reference} Reference crop - Short ('S') or Tall ('T')\n"
    text += " 120.0000000 Weather station elevation (z) (m)\n"
    text += "  22.8000000 Weather station latitude (decimal degrees)\n"
    text += f"{wind_height:12.7f} Wind speed measurement height (m)\n\n"
    text += "Daily weather data:\nYear-DOY"
    text += "".join(f"{name:>7s}" for name in WEATHER_COLUMNS) + "\n"
    for index in range(days):
        low = chance.uniform(8, 22)
        high = low + chance.uniform(4, 14)
        rain = chance.choice([0.0, 0.0, 0.0, 1.5, 2.99, 3.0, 12.0, 45.0])
        values = {
            "Srad": chance.uniform(5, 24),
            "Tmax": high,
            "Tmin": low,
            "Vapr": np.nan,
            "Tdew": low - chance.uniform(0, 3),
            "RHmax": chance.uniform(75, 99),
            "RHmin": chance.uniform(15, 70),
            "Wndsp": chance.uniform(0.3, 7.5),
            "Rain": rain,
            "ETref": chance.uniform(1, 9),
        } | fixed
        if index % 3:
            values |= dict.fromkeys(blank, np.nan)
        day = FIRST + timedelta(days=index)
        cells = "".join(f"{values[name]:7.2f}" for name in WEATHER_COLUMNS[:-1])
        text += f"{year_day(day)}{cells}      M\n"
    path.write_text(text)
    return path


def write_irr(path: Path, *, seed: int = 2, efficiency: bool = True) -> Path:
    """Irrigations on a dozen days."""
    chance = np.random.default_rng(seed)
    text = head("Irrigation Data") + "Year-DOY  Depth     fw IrrEff\n"
    for index in sorted(chance.choice(DAYS, 12, replace=False).tolist()):
        day = year_day(FIRST + timedelta(days=index))
        share = chance.choice([0.3, 0.5, 1.0])
        text += f"{day} {chance.uniform(0, 30):6.2f} {share:6.2f}"
        text += f" {chance.uniform(60, 100):6.1f}\n" if efficiency else "\n"
    path.write_text(text)
    return path


def write_sol(path: Path) -> Path:
    """Four layers; the upper ones dry, the lower ones wetter than field capacity."""
    text = head("Soil Profile Data") + "Depth thetaFC thetaWP  theta0\n"
    text += "   20   0.249   0.113   0.058\n   40   0.249   0.113   0.183\n"
    text += "   55   0.210   0.104   0.206\n   80   0.210   0.104   0.243\n"
    path.write_text(text)
    return path


def write_upd(path: Path) -> Path:
    """Canopy seen on five days, not all of it on each."""
    text = head("Update Data") + "Year-DOY    Kcb      h     fc\n"
    rows = ((5, 0.2, "NaN", "NaN"), (16, 0.7, 0.6, 0.5), (24, "NaN", "NaN", 0.8))
    for index, kcb, height, cover in (*rows, (40, 1.2, 1.4, "NaN"), (50, 0.9, 0.3, 0)):
        day = year_day(FIRST + timedelta(days=index))
        text += f"{day} {kcb!s:>6s} {height!s:>6s} {cover!s:>6s}\n"
    path.write_text(text)
    return path


def write_season(folder: Path, **weather: object) -> Season:
    """All files of a season."""
    return Season(
        par=write_par(folder / "f.par"),
        wth=write_wth(folder / "f.wth", **weather),  # type: ignore[arg-type]
        irr=write_irr(folder / "f.irr"),
        sol=write_sol(folder / "f.sol"),
        upd=write_upd(folder / "f.upd"),
    )
