"""Crops of a table: coefficients, stages and roots by name, each with its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from agroforest.core.crop import Crop
from agroforest.core.errors import AgroforestError, ConfigurationError
from agroforest.core.table import read_text

_LISTS = {"kc": 3, "kcb": 3, "days": 4, "height": 2, "root": 2, "root_range": 2}
_NUMBERS = ("p", "cold", "heat")
_TEXTS = ("zh", "en")
_MAY = ("kc_min", "note", "source")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CropEntry:
    """A crop of the table.

    Attributes
    ----------
    name
        As parcels name it.
    zh, en
        As people call it.
    crop
        Its numbers.
    root_range
        Depths of the roots that FAO-56 Table 22 gives, m.
    cold, heat
        Daily lowest and highest air temperature, °C, that harm it.
    sources
        Where each number comes from.
    note
        What to know before trusting it.
    """

    name: str
    zh: str
    en: str
    crop: Crop
    root_range: tuple[float, float]
    cold: float
    heat: float
    sources: Mapping[str, str]
    note: str = ""

    @property
    def verify(self) -> tuple[str, ...]:
        """Numbers that nobody here has compared with the original."""
        return tuple(n for n, text in self.sources.items() if "verify" in text)


def read_crops(path: Path | None = None) -> dict[str, CropEntry]:
    """Read the table of crops.

    Parameters
    ----------
    path
        Another TOML of the same form; the shipped one unless given.

    Raises
    ------
    ConfigurationError
        It is no TOML, or an entry lacks a number, a source, or cannot be.
    """
    where: object = "crops.toml"
    if path is None:
        shipped = files("agroforest.farm").joinpath("crops.toml")
        text = shipped.read_text(encoding="utf-8")
    else:
        where, text = path, read_text(path, "utf-8", otherwise="give a TOML file")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number may be too long, too
        raise ConfigurationError(where, f"is no TOML ({error})", "mend it") from error
    return {name: _read_entry(where, name, entry) for name, entry in table.items()}


def find_crop(crops: Mapping[str, CropEntry], name: str) -> CropEntry:
    """Crop by its name, in the table's spelling, in Chinese or in English.

    Raises
    ------
    ConfigurationError
        There is none of that name.
    """
    for entry in crops.values():
        if name.strip().casefold() in {entry.name, entry.zh, entry.en}:
            return entry
    raise ConfigurationError(
        "crop", f"{name!r} is not in the table", f"use one of {', '.join(crops)}"
    )


def _read_entry(where: object, name: str, entry: object) -> CropEntry:
    if not isinstance(entry, dict):
        raise ConfigurationError(where, f"{name} is no table", f"write [{name}]")
    _check_entry(where, name, entry)
    kc, kcb, days = entry["kc"], entry["kcb"], entry["days"]
    height, root = entry["height"], entry["root"]
    try:
        crop = Crop(
            kc_ini=kc[0],
            kc_mid=kc[1],
            kc_end=kc[2],
            kcb_ini=kcb[0],
            kcb_mid=kcb[1],
            kcb_end=kcb[2],
            days_ini=days[0],
            days_dev=days[1],
            days_mid=days[2],
            days_end=days[3],
            height_ini=height[0],
            height_max=height[1],
            root_ini=root[0],
            root_max=root[1],
            depletion_fraction=entry["p"],
            kc_min=entry.get("kc_min"),
        )
    except AgroforestError as error:
        raise ConfigurationError(
            where, f"[{name}]: {error.problem}", error.remedy
        ) from None
    return CropEntry(
        name=name,
        zh=entry["zh"],
        en=entry["en"],
        crop=crop,
        root_range=(entry["root_range"][0], entry["root_range"][1]),
        cold=float(entry["cold"]),
        heat=float(entry["heat"]),
        sources=dict(entry["source"]),
        note=entry.get("note", ""),
    )


def _check_entry(where: object, name: str, entry: dict[str, Any]) -> None:
    """Refuse what is missing, of another kind, unknown or without a source."""
    known = {*_LISTS, *_NUMBERS, *_TEXTS, *_MAY}
    strange = [key for key in entry if key not in known]
    if strange:
        raise ConfigurationError(
            where, f"[{name}] has an unknown {', '.join(strange)}", "leave it out"
        )
    bad = [key for key, size in _LISTS.items() if not _is_list(entry.get(key), size)]
    bad += [key for key in _NUMBERS if not _is_number(entry.get(key))]
    bad += [key for key in _TEXTS if not isinstance(entry.get(key), str)]
    if "kc_min" in entry and not _is_number(entry["kc_min"]):
        bad.append("kc_min")
    if bad:
        raise ConfigurationError(
            where,
            f"[{name}] has no good {', '.join(bad)}",
            "write it as the entries of the shipped table do",
        )
    sources = entry.get("source")
    given = sources if isinstance(sources, dict) else {}
    numbers = {*_LISTS, *_NUMBERS} & set(entry) | ({"kc_min"} & set(entry))
    lost = sorted(numbers - {"root_range"} - set(given))
    if lost:
        raise ConfigurationError(
            where,
            f"[{name}] does not say where {', '.join(lost)} comes from",
            f"write it under [{name}.source]",
        )


def _is_list(value: object, size: int) -> bool:
    return (
        isinstance(value, list) and len(value) == size and all(map(_is_number, value))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
