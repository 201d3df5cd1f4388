"""CSV for spreadsheets and GeoJSON for everything else, written row by row."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import shapely

from agroforest.publish.place import turn_rings
from agroforest.publish.rows import Row, Value, spell
from agroforest.publish.table import COLUMNS

_BATCH = 500
_DIGITS = 7  # of a degree: a centimetre

# A spreadsheet runs a cell that begins so (OWASP, "CSV Injection"), also behind spaces
# and characters that take no room, and in full width where an input method made it so.
# Where a semicolon parts the columns, what follows one in the text is a cell too.
_FORMULA = re.compile(
    r"(^|;)(?=[\s\u00ad\u180e\u200b-\u200d\u2060\u3164]*[=+\-@＝＋－＠])"  # noqa: RUF001
)


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write a table that a spreadsheet opens as it is meant, and runs nothing of.

    UTF-8 with a byte order mark, without which Chinese comes out wrong. Text that a
    spreadsheet would run begins with an apostrophe.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.name for column in COLUMNS])
        for row in rows:
            writer.writerow([_cell(value) for value in row.values.values()])


def disarm(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run."""
    if not text or (text[0].isalnum() and ";" not in text):  # as most text
        return text
    return _FORMULA.sub(r"\1'", text)


def write_geojson(path: Path, rows: Iterable[Row]) -> None:
    """Write a collection of features as RFC 7946 asks; what is not known is null."""
    with path.open("w", encoding="utf-8") as out:
        out.write('{"type": "FeatureCollection", "features": [')
        before = "\n"
        for batch in _batches(rows):
            for row, shape in zip(batch, _spell_shapes(batch), strict=True):
                properties = {k: _plain(v) for k, v in row.values.items()}
                head = json.dumps(row.values["id"], ensure_ascii=False)
                body = json.dumps(properties, ensure_ascii=False, allow_nan=False)
                out.write(
                    f'{before}{{"type": "Feature", "id": {head}, '
                    f'"properties": {body}, "geometry": {shape}}}'
                )
                before = ",\n"
        out.write("\n]}\n")


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _spell_shapes(batch: list[Row]) -> Iterator[str]:
    turned = np.array([turn_rings(row.outline) for row in batch], dtype=object)
    rounded = shapely.transform(turned, lambda c: c.round(_DIGITS))
    for shape, text in zip(rounded, shapely.to_geojson(rounded), strict=True):
        yield "null" if shape.is_empty else text


def _cell(value: Value) -> str:
    return disarm(value) if isinstance(value, str) else spell(value)


def _plain(value: Value) -> str | float | None:
    return value if isinstance(value, str | float | int | None) else spell(value)
