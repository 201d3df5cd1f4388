"""Scars as files: rasters, GeoJSON for maps, CSV for spreadsheets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.core.units import MU_PER_HA
from agroforest.cube import write_cog
from agroforest.fire.scar import ScarMap
from agroforest.fire.scar_severity import WORDS, Severity
from agroforest.fire.scar_survey import Scar
from agroforest.hotspots.writing import write_csv

#: What a scar is called, with evidence of fire and without.
FIRE = ("疑似过火", "burned, suspected")
HARVEST = ("疑似采伐或翻耕？请核查", "harvest?")
_DIGITS = 6  # of a degree: a decimetre


def write_scars(out: Path, found: ScarMap) -> tuple[Path, ...]:
    """Write all files but the picture.

    Parameters
    ----------
    out
        Folder; made if it is not there.
    found
        The scars.

    Returns
    -------
    tuple of Path
        ``probability.tif``; ``severity.tif`` and ``severity_rbr.tif`` if there was an
        image before; ``scars.geojson``, ``scars.csv``; ``areas.csv`` and
        ``totals.csv`` if scars lie in units that were given.
    """
    written = [out / "probability.tif"]
    _write_raster(written[0], found.probability, found, "probability", float("nan"))
    for name, codes in (
        ("severity", found.severity),
        ("severity_rbr", found.severity_rbr),
    ):
        path = out / f"{name}.tif"
        if codes is None:
            path.unlink(missing_ok=True)  # of a run with an image before
            continue
        _write_raster(path, codes, found, spell_classes(), 0)
        written.append(path)
    rows = [describe(scar, found) for scar in found.scars]
    written += [out / "scars.geojson", out / "scars.csv"]
    write_text(written[-2], build_geojson(rows, found.scars))
    write_csv(written[-1], _columns(rows))
    for name, table in (
        ("areas.csv", [row for scar in found.scars for row in _areas(scar)]),
        ("totals.csv", _total(found.scars)),
    ):
        path = out / name
        path.unlink(missing_ok=True)
        if table:
            write_csv(path, _columns(table))
            written.append(path)
    return tuple(written)


def describe(scar: Scar, found: ScarMap) -> dict[str, Any]:
    """Say what is known of a scar; None where nothing is."""
    evidence = scar.evidence
    zh, en = FIRE if evidence.fire else HARVEST
    point = shapely.point_on_surface(scar.outline.geometry)
    row: dict[str, Any] = {
        "id": scar.outline.id,
        "verdict": "fire" if evidence.fire else "harvest?",
        "verdict_zh": zh,
        "verdict_en": en,
        "evidence": evidence.words,
        "area_ha": round(scar.outline.area_ha, 3),
        "area_mu": round(scar.outline.area_ha * MU_PER_HA, 2),
        "probability": round(scar.probability, 3),
        "char_share": round(evidence.char_share, 3),
        "hotspot_events": " ".join(evidence.events),
        "hotspots_older": evidence.older,
        "burned_from": _day(evidence.begun),
        "burned_to": _day(evidence.ended),
        "dated_by": evidence.dated_by,
        "longitude": round(point.x, _DIGITS),
        "latitude": round(point.y, _DIGITS),
        "image_after": _day(found.post.day),
        "image_before": _day(found.pre.day) if found.pre else "",
        "dnbr": _rounded(scar.dnbr),
        "rbr": _rounded(scar.rbr),
        "dnbr_offset": _rounded(scar.offset),
    }
    row |= _severity(scar)
    for kind in ("county", "compartment"):
        own = [share for share in scar.shares if share.unit.kind == kind]
        first = own[0].unit.district if own else None
        row |= {
            f"{kind}_code": first.code if first else "",
            f"{kind}_zh": first.name_zh if first else "",
            f"{kind}_en": first.name_en if first else "",
            f"{kind}_count": len(own),
        }
    return row


def _severity(scar: Scar) -> dict[str, Any]:
    """Area of each class, and the class of the mean."""
    areas = {
        f"{words.en.replace('-', '_')}_ha": _rounded(scar.severity_ha.get(code))
        for code, words in WORDS.items()
    }
    main = max(scar.severity_ha, key=lambda c: scar.severity_ha[c], default=None)
    words = WORDS[main] if main is not None and any(scar.severity_ha.values()) else None
    return {
        "severity_zh": words.zh if words else "",
        "severity_en": words.en if words else "",
        **areas,
    }


def _areas(scar: Scar) -> Iterator[dict[str, Any]]:
    for share in scar.shares:
        district = share.unit.district
        yield {
            "scar": scar.outline.id,
            "verdict": "fire" if scar.evidence.fire else "harvest?",
            "kind": share.unit.kind,
            "code": district.code,
            "name_zh": district.name_zh,
            "name_en": district.name_en,
            "area_ha": round(share.area_ha, 3),
            "area_mu": round(share.area_ha * MU_PER_HA, 2),
            "share_of_scar": round(share.area_ha / scar.outline.area_ha, 4),
        }


def _total(scars: Sequence[Scar]) -> list[dict[str, Any]]:
    """Burned and harvested area of each unit, most burned first."""
    sums: dict[int, dict[str, Any]] = {}
    for scar in scars:
        for share in scar.shares:
            district = share.unit.district
            row = sums.setdefault(
                id(share.unit),
                {
                    "kind": share.unit.kind,
                    "code": district.code,
                    "name_zh": district.name_zh,
                    "name_en": district.name_en,
                    "scars": 0,
                    "fire_ha": 0.0,
                    "harvest_ha": 0.0,
                },
            )
            row["scars"] += 1
            row["fire_ha" if scar.evidence.fire else "harvest_ha"] += share.area_ha
    rows = sorted(sums.values(), key=lambda row: (row["kind"], -row["fire_ha"]))
    for row in rows:
        for name in ("fire", "harvest"):
            hectares = row.pop(f"{name}_ha")
            row[f"{name}_ha"] = round(hectares, 3)
            row[f"{name}_mu"] = round(hectares * MU_PER_HA, 2)
    return rows


def _write_raster(
    path: Path, values: NDArray[Any], found: ScarMap, description: str, nodata: float
) -> None:
    # DEFLATE rather than ZSTD: people open these in whatever they have.
    write_cog(
        path,
        values,
        found.grid,
        nodata=nodata,
        scale=1.0,
        description=description,
        overviews="average" if values.dtype.kind == "f" else "nearest",
        codec="deflate",
        tags={
            "MODEL": f"{found.model} {found.version}",
            "THRESHOLD": f"{found.threshold:g}",
            "IMAGE_AFTER": found.post.name,
            "IMAGE_BEFORE": found.pre.name if found.pre else "",
        },
    )


def spell_classes() -> str:
    """Spell the codes of a raster of severity out, for its metadata."""
    return ", ".join(f"{int(code)} {WORDS[code].en}" for code in Severity if code)


def build_geojson(
    rows: Sequence[Mapping[str, Any]],
    scars: Sequence[Scar],
    members: Mapping[str, Any] | None = None,
) -> str:
    """Build a GeoJSON of scars.

    Parameters
    ----------
    rows
        What `describe` says of each.
    scars
        The scars, in the same order.
    members
        Further members of the collection, after the features; plain JSON values.
    """
    features = [
        json.dumps(
            {
                "type": "Feature",
                "id": row["id"],
                "properties": norm_unknown(row),
                "geometry": json.loads(
                    shapely.to_geojson(
                        shapely.set_precision(
                            scar.outline.geometry, 10.0**-_DIGITS / 10
                        )
                    )
                ),
            },
            ensure_ascii=False,
            allow_nan=False,
        )
        for row, scar in zip(rows, scars, strict=True)
    ]
    head = '{"type": "FeatureCollection", "name": "burn scars", "features": [\n'
    more = "".join(
        f",\n{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in (members or {}).items()
    )
    return head + ",\n".join(features) + f"\n]{more}}}\n"


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Columns of a table; what is not known is empty."""
    names = rows[0] if rows else {"id": None}
    columns = {}
    for name in names:
        values = [row[name] for row in rows]
        if any(isinstance(value, str) for value in values) or not values:
            columns[name] = np.array(values, dtype=object)
        else:
            columns[name] = np.array(
                [np.nan if value is None else value for value in values]
            ).astype(np.int64 if all(type(v) is int for v in values) else np.float64)
    return columns


def norm_unknown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Row for JSON, which has no NaN."""
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in row.items()
    }


def _day(day: object) -> str:
    return "" if day is None else str(day)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
