"""Names that are programs: for spreadsheets, pages, messages and templates."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from tests.maps.conftest import PAYLOADS
from tests.security.proving import prove, run_confined
from tests.web.pages.work import open_work_desk

from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.cube import write_cog
from agroforest.notify.channel import Outgoing
from agroforest.notify.webhook import fill

_FORMULAS = (
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1",
    '=HYPERLINK("http://x")', "=1+1;", "'=1", " =1+1", "%0A=1", "=IMPORTXML(1)",
)  # fmt: skip
_TEMPLATES = (
    *("$body", "$link", "{body}", "{{7*7}}", "${7*7}", "{0.__class__}", "%(body)s"),
    *("%s", "#{7*7}", "{body.__class__.__mro__}", "<%= 7*7 %>", "{{config}}"),
    "{%for a in b%}",
)
_GRID = Grid(crs="EPSG:32649", left=3e5, top=25e5, resolution=10, width=4, height=4)


def test_tables_of_parcels(tmp_path: Path) -> None:
    write_cog(tmp_path / "r.tif", np.full(_GRID.shape, 100, "int16"), _GRID)
    import shapely  # noqa: PLC0415  here alone

    outline = reproject(shapely.box(*_GRID.bounds), _GRID.crs, WGS84)

    def measure(name: str) -> None:
        feature = {
            "type": "Feature",
            "properties": {"name": name, name: "x"},
            "geometry": json.loads(shapely.to_geojson(outline)),
        }
        (tmp_path / "p.geojson").write_text(
            json.dumps({"type": "FeatureCollection", "features": [feature]})
        )
        ended = run_confined(
            "zonal", "r.tif", "p.geojson", "--out", "o.csv", cwd=tmp_path
        )
        assert ended.code == 0, ended.said
        with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        starts = tuple("=+-@\t\r")
        for cell in cells:
            assert not cell.startswith(starts) or _is_number(cell), cell
        table = pd.read_csv(tmp_path / "o.csv", dtype=str, keep_default_na=False)
        table.to_excel(tmp_path / "o.xlsx", index=False, engine="openpyxl")
        for row in openpyxl.load_workbook(tmp_path / "o.xlsx").active.iter_rows():
            assert all(cell.data_type != "f" for cell in row)

    prove(
        "formulas in names of parcels, in tables",
        {repr(name): partial(measure, name) for name in _FORMULAS},
        "text, in CSV and in a spreadsheet that opens it",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_templates_of_messages() -> None:
    def send(name: str) -> None:
        outgoing = Outgoing(
            key="k", to="a@b.example", case="c", subject=name, body=name,
            language="zh", link="https://x.example", created=0.0,
        )  # fmt: skip
        found = fill({"text": "$body", "title": "$subject at $link"}, outgoing)
        assert found == {"text": name, "title": f"{name} at https://x.example"}

    names = (*_TEMPLATES, *PAYLOADS, "a\r\nBcc: x@y.example", "\x00")
    prove(
        "templates and headers in names, in messages",
        {repr(name): partial(send, name) for name in names},
        "filled in once, as text",
    )


def test_pages(tmp_path: Path) -> None:
    with open_work_desk(tmp_path, pipelines=False) as desk:
        visitor = desk.visitor("ada")

        def ask(name: str) -> None:
            for path in ("/queue", "/login", "/alerts/x", "/parcels", "/audit"):
                answer = visitor.client.get(
                    path,
                    params={"q": name, "next": name, "county": name, "after": name},
                    headers={"accept": "text/html"},
                )
                assert answer.status_code < 500
                if "<" in name or '"' in name:
                    assert name not in answer.text
                policy = answer.headers["content-security-policy"]
                scripts = policy.partition("script-src")[2].split(";")[0]
                assert "unsafe-inline" not in scripts

        prove(
            "markup and templates in what a page is asked",
            {repr(name): partial(ask, name) for name in (*_TEMPLATES, *PAYLOADS)},
            "escaped; scripts of others are not run",
        )
