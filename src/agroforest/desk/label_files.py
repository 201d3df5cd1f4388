"""Labels in files, as ``agroforest model train`` takes them.

===================  ================================================================
file                 taken by
===================  ================================================================
``survey.gpkg``      ``model train canopy-damage --labels``; docs/survey.md
``fires.csv``        ``model train fire-occurrence --hotspots``; columns of FIRMS
``static.geojson``   the same, and ``fire hotspots``, ``--static``
``refused.csv``      people: the verdicts that are no label, and why
===================  ================================================================
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyogrio
import shapely

from agroforest.core.files import replacing, write_text
from agroforest.core.fire import EventConfidence, FireFacts
from agroforest.review.labels import CaseLabel, Kind, Refused

_Row = TypeVar("_Row")
_CANOPY = frozenset({Kind.DAMAGED, Kind.CLEAN})
_CONFIDENCE = {
    EventConfidence.HIGH: "high",
    EventConfidence.NOMINAL: "nominal",
    EventConfidence.LOW: "low",
}
_FIRMS = (
    *("latitude", "longitude", "acq_date", "acq_time"),
    *("satellite", "confidence", "frp", "case", "reason"),
)


def write_labels(
    folder: Path,
    labels: Iterable[CaseLabel],
    refused: Sequence[Refused],
    fires: Mapping[str, FireFacts],
) -> dict[str, int]:
    """Write the labels that there are; a kind that has none gets no file.

    Parameters
    ----------
    folder
        Created if missing; what it holds of before is written over or removed.
    labels
        Of all kinds.
    refused
        Verdicts that are no labels.
    fires
        What is known of fires, by alert; a fire without it cannot be dated.

    Returns
    -------
    dict
        Labels by name of their file.
    """
    found = list(labels)
    canopy = [one for one in found if one.kind in _CANOPY]
    burning = [
        (one, fires[one.case])
        for one in found
        if one.kind == Kind.FIRE and one.case in fires
    ]
    static = [one for one in found if one.kind == Kind.STATIC]
    _write_or_drop(folder / "survey.gpkg", canopy, _write_survey)
    _write_or_drop(folder / "fires.csv", burning, _write_fires)
    _write_or_drop(folder / "static.geojson", static, _write_static)
    _write_or_drop(folder / "refused.csv", refused, _write_refused)
    return {
        "survey.gpkg": len(canopy),
        "fires.csv": len(burning),
        "static.geojson": len(static),
        "refused.csv": len(refused),
    }


def _write_or_drop(
    path: Path, rows: Sequence[_Row], write: Callable[[Path, Sequence[_Row]], None]
) -> None:
    if rows:
        write(path, rows)
    else:
        path.unlink(missing_ok=True)


def _write_survey(path: Path, labels: Sequence[CaseLabel]) -> None:
    table = pa.Table.from_pydict(
        {
            "status": [str(one.kind) for one in labels],
            "date": [one.seen.isoformat() for one in labels],
            **_describe(labels),
            "geometry": [shapely.to_wkb(one.geometry) for one in labels],
        }
    )
    with replacing(path) as scratch:
        pyogrio.write_arrow(
            table,
            scratch,
            geometry_name="geometry",
            geometry_type="Unknown",
            crs="EPSG:4326",
            layer="survey",
            driver="GPKG",
        )


def _write_fires(path: Path, fires: Sequence[tuple[CaseLabel, FireFacts]]) -> None:
    rows = [
        [
            f"{facts.event.latitude:.5f}",
            f"{facts.event.longitude:.5f}",
            f"{time:%Y-%m-%d}",
            f"{time:%H%M}",
            next(iter(facts.event.satellites), ""),
            _CONFIDENCE[facts.event.confidence],
            "" if facts.event.frp_max_mw is None else f"{facts.event.frp_max_mw:.1f}",
            one.case,
            str(one.reason or ""),
        ]
        for one, facts in fires
        # Of an event that was seen for days the first and the last look are known.
        for time in dict.fromkeys((facts.event.first, facts.event.last))
    ]
    _write_table(path, _FIRMS, rows)


def _write_static(path: Path, labels: Sequence[CaseLabel]) -> None:
    told = _describe(labels)
    features = [
        {
            "type": "Feature",
            "properties": {"id": one.case, "origin": "reviewed"}
            | {name: values[n] for name, values in told.items() if name != "case"},
            "geometry": json.loads(shapely.to_geojson(one.geometry)),
        }
        for n, one in enumerate(labels)
    ]
    document = {"type": "FeatureCollection", "features": features}
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _write_refused(path: Path, refused: Sequence[Refused]) -> None:
    rows = [[one.case, str(one.hazard), str(one.why)] for one in refused]
    _write_table(path, ("case", "hazard", "why"), rows)


def _write_table(
    path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write a CSV of our own words and numbers: nobody's text is in it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    table.writerows(rows)
    write_text(path, text.getvalue())


def _describe(labels: Sequence[CaseLabel]) -> dict[str, list[str]]:
    """Say of each label who gave it, when and why."""
    return {
        "case": [one.case for one in labels],
        "hazard": [str(one.hazard) for one in labels],
        "reason": [str(one.reason or "") for one in labels],
        "note": [one.note for one in labels],
        "judged_by": [one.by for one in labels],
        "judged_at": [one.at.isoformat() for one in labels],
        "approved_by": [one.approved_by for one in labels],
    }
