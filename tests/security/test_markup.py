"""XML whose entities explode, or fetch what is not the file's."""

import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from openpyxl import Workbook
from tests.security.proving import (
    Ended,
    assert_kept,
    assert_refused,
    prove,
    run_confined,
)

from agroforest.testing.world import END

_SECRET = "file:///etc/passwd"  # noqa: S105  an address
_INSIDE = "http://169.254.169.254/latest/meta-data/"
_LAUGHS = "".join(
    f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9)
)  # 10 to the power of 9 times "ha"
_DECLARED = {
    "a thousand million laughs": (f'<!ENTITY l0 "ha">{_LAUGHS}', "&l9;"),
    "one entity many times": (f'<!ENTITY a "{"a" * 50_000}">', "&a;" * 50_000),
    "an entity in itself": ('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
    "a file": (f'<!ENTITY a SYSTEM "{_SECRET}">', "&a;"),
    "an address": (f'<!ENTITY a SYSTEM "{_INSIDE}">', "&a;"),
    "a parameter": (f'<!ENTITY % a SYSTEM "{_SECRET}"> %a;', "x"),
    "a parameter by the net": (f'<!ENTITY % a SYSTEM "{_INSIDE}"> %a;', "x"),
    "a public name": (f'<!ENTITY a PUBLIC "x" "{_SECRET}">', "&a;"),
}
_XINCLUDE = (
    '<x:include xmlns:x="http://www.w3.org/2001/XInclude" '
    f'href="{_SECRET}" parse="text"/>'
)


def _documents(root: str) -> dict[str, str]:
    documents = {
        name: f"<!DOCTYPE {root} [{declared}]><{root}>{used}</{root}>"
        for name, (declared, used) in _DECLARED.items()
    }
    documents["another document type"] = (
        f'<!DOCTYPE {root} SYSTEM "{_INSIDE}"><{root}>x</{root}>'
    )
    documents["an inclusion"] = f"<{root}>{_XINCLUDE}</{root}>"
    documents["elements 100,000 deep"] = "<a>" * 100_000 + "</a>" * 100_000
    return documents


@pytest.fixture
def added(tmp_path: Path) -> Callable[[str, str], Ended]:
    """Write a product's only file, and add the product."""

    def add(name: str, text: str) -> Ended:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        try:
            return run_confined(
                "scenes", "add", path.parent, "--work", "w", cwd=tmp_path
            )
        finally:
            shutil.rmtree(tmp_path / "in")

    return add


_THEIA = "SENTINEL2A_20240301-030541-024_L2A_T49QBF_D_V3-1"
_PRODUCTS = {
    "Sentinel-2 L2A": "S2A_MSIL2A_X.SAFE/MTD_MSIL2A.xml",
    "Theia": f"{_THEIA}/{_THEIA}_MTD_ALL.xml",
    "Landsat": "LC08_L2SP_1/LC08_L2SP_1_MTL.xml",
}


@pytest.mark.slow
def test_metadata_of_scenes(added: Callable[[str, str], Ended]) -> None:
    def refuse(path: str, text: str) -> None:
        assert_refused(added(path, text), codes=(5,))

    prove(
        "XML entities in metadata of scenes (SAFE, Theia, MTL)",
        {
            f"{kind}: {name}": partial(refuse, path, text)
            for kind, path in _PRODUCTS.items()
            for name, text in _documents("Product").items()
        },
        "refused in one line; nothing is fetched, nothing grows",
    )


def test_metadata_of_images(tmp_path: Path) -> None:
    def look(text: str) -> None:
        folder = tmp_path / "x.SAFE"
        folder.mkdir(exist_ok=True)
        (folder / "MTD_MSIL1C.xml").write_text(text, encoding="utf-8")
        ended = run_confined(
            "fire", "hotspots", "--scene", folder, "--out", "h", cwd=tmp_path
        )
        assert_refused(ended, "MTD_MSIL1C.xml", codes=(1, 2, 5))

    prove(
        "XML entities in metadata of images for fire (L1C)",
        {name: partial(look, text)
         for name, text in _documents("Product").items()},
        "refused in one line",
    )  # fmt: skip


_PLACEMARK = (
    "<Document><Placemark><name>{}</name><Polygon><outerBoundaryIs><LinearRing>"
    "<coordinates>108.2,22.8 108.3,22.8 108.3,22.9 108.2,22.8</coordinates>"
    "</LinearRing></outerBoundaryIs></Polygon></Placemark>{}</Document>"
)


def test_areas_of_kml(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(
        'name = "p"\naoi = "a.kml"\n[baseline]\nstart = 2022-01-01\nend = 2023-12-31\n'
    )

    def plan(text: str) -> None:
        (tmp_path / "a.kml").write_text(text, encoding="utf-8")
        night = ("--night", f"{END:%Y-%m-%d}", "--work", "w")
        ended = run_confined("plan", "p.toml", *night, cwd=tmp_path)
        assert_kept(ended)
        assert ended.code in {2, 5}, ended.said

    link = f"<NetworkLink><Link><href>{_INSIDE}</href></Link></NetworkLink>"
    overlay = f"<GroundOverlay><Icon><href>{_SECRET}</href></Icon></GroundOverlay>"
    texts = {
        name: f"<!DOCTYPE kml [{declared}]><kml>{_PLACEMARK.format(used, '')}</kml>"
        for name, (declared, used) in _DECLARED.items()
    }
    texts["a link"] = f"<kml>{_PLACEMARK.format('x', link)}</kml>"
    texts["an image"] = f"<kml>{_PLACEMARK.format('x', overlay)}</kml>"
    texts["an inclusion"] = f"<kml>{_PLACEMARK.format(_XINCLUDE, '')}</kml>"
    texts["a layer of others"] = (
        f"<OGRVRTDataSource><!-- <kml --><OGRVRTLayer name='a'><SrcDataSource>{_SECRET}"
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    prove(
        "XML entities, links and layers of others in an area (KML)",
        {name: partial(plan, text) for name, text in texts.items()},
        "refused, or read without them",
    )


@pytest.mark.slow
def test_workbooks(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["sensor", "time", "variable", "depth_m", "value", "unit"])
    book.active.append(["a", "2024-05-01T00:00:00Z", "soil_moisture", 0.1, 25, "%"])
    book.save(tmp_path / "good.xlsx")

    def take(name: str, part: str, old: bytes, new: bytes) -> None:
        path = tmp_path / f"{name}.xlsx"
        with (
            zipfile.ZipFile(tmp_path / "good.xlsx") as good,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bad,
        ):
            for info in good.infolist():
                content = good.read(info)
                if info.filename == part:
                    content = content.replace(old, new, 1)
                bad.writestr(info.filename, content)
        ended = run_confined("sensors", "import", path, "--work", "w", cwd=tmp_path)
        assert_refused(ended, path.name)

    sheet = "xl/worksheets/sheet1.xml"

    def declare(name: str, declared: str, used: str, part: str, root: bytes) -> None:
        text = f"<!DOCTYPE x [{declared}]><{root.decode()} x='{used}'"
        take(name, part, b"<" + root, text.encode())

    attacks: dict[str, Callable[[], object]] = {
        f"{name} in {part}": partial(
            declare, name.replace(" ", "-"), declared, used, part, root
        )
        for name, (declared, used) in _DECLARED.items()
        for part, root in ((sheet, b"worksheet"), ("xl/workbook.xml", b"workbook"))
    }
    blank, end = b" " * (40 << 20), b"</sheetData>"
    for name, text in {
        "a comment": b"<!--" + blank + b"-->",
        "a comment with brackets": b"<!--" + b"> " * (20 << 20) + b"-->",
        "an instruction": b"<?x " + blank + b"?>",
        "an attribute": b'<row x="' + b"> " * (20 << 20) + b'"/>',
        "a section": b"<![CDATA[" + blank + b"]]>",
    }.items():
        attacks[f"{name} of 40 MB"] = partial(take, "bomb", sheet, end, text + end)
    attacks["520 MB"] = partial(take, "bomb", sheet, end, blank * 13 + end)
    prove(
        "XML entities and a bomb in a workbook",
        attacks,
        "refused in one line",
    )
