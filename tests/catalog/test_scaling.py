"""Scale, offset and nodata, as a table."""

import pytest

from agroforest.catalog.scaling import Family, Scaling, Stated, resolve_scaling
from agroforest.core.errors import DataError

SAFE, S2, THEIA, LANDSAT, OTHER = (
    Family.SAFE,
    Family.SENTINEL2,
    Family.THEIA,
    Family.LANDSAT,
    Family.OTHER,
)

DECIDED = [
    # what the metadata say -> scale, offset, nodata
    (
        "safe old",
        Stated(family=SAFE, baseline="02.14", quantification=10000),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "safe 03.01",
        Stated(family=SAFE, baseline="03.01", quantification=10000),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "safe 04.00",
        Stated(family=SAFE, baseline="04.00", quantification=10000, add_offset=-1000),
        1e-4,
        -0.1,
        (0,),
    ),
    (
        "safe other quantification",
        Stated(family=SAFE, baseline="05.09", quantification=20000, add_offset=-1000),
        5e-5,
        -0.05,
        (0,),
    ),
    (
        "safe private processing states it",
        Stated(family=SAFE, baseline="99.99", quantification=10000, add_offset=-1000),
        1e-4,
        -0.1,
        (0,),
    ),
    (
        "safe offset of zero",
        Stated(family=SAFE, baseline="05.09", quantification=10000, add_offset=0),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "safe nodata",
        Stated(family=SAFE, baseline="02.14", quantification=10000, nodata=(7,)),
        1e-4,
        0.0,
        (7,),
    ),
    (
        "level 1C",
        Stated(
            family=Family.SAFE_L1C,
            baseline="05.10",
            quantification=10000,
            add_offset=-1000,
        ),
        1e-4,
        -0.1,
        (0,),
    ),
    ("theia", Stated(family=THEIA), 1e-4, 0.0, (-10000, 0)),
    (
        "theia states",
        Stated(family=THEIA, quantification=1000, nodata=(-9999,)),
        1e-3,
        0.0,
        (-9999, 0),
    ),
    (
        "landsat",
        Stated(family=LANDSAT, scale=2.75e-5, offset=-0.2),
        2.75e-5,
        -0.2,
        (0,),
    ),
    ("landsat silent", Stated(family=LANDSAT), 2.75e-5, -0.2, (0,)),
    (
        "landsat its own",
        Stated(family=LANDSAT, scale=1e-4, offset=0.0),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "planetary computer old",
        Stated(family=S2, baseline="02.12", original=True),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "planetary computer new",
        Stated(family=S2, baseline="05.10", original=True),
        1e-4,
        -0.1,
        (0,),
    ),
    ("earth search v0", Stated(family=S2, baseline="02.14"), 1e-4, 0.0, (0,)),
    (
        "earth search applied",
        Stated(family=S2, baseline="04.00", offset_applied=True),
        1e-4,
        0.0,
        (0,),
    ),
    # The known contradiction of Earth Search: the flag is right.
    (
        "earth search applied, -0.1 stated",
        Stated(
            family=S2, baseline="05.11", scale=1e-4, offset=-0.1, offset_applied=True
        ),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "earth search not applied",
        Stated(
            family=S2, baseline="04.00", scale=1e-4, offset=-0.1, offset_applied=False
        ),
        1e-4,
        -0.1,
        (0,),
    ),
    (
        "earth search not applied, silent",
        Stated(family=S2, baseline="04.00", offset_applied=False),
        1e-4,
        -0.1,
        (0,),
    ),
    (
        "earth search old",
        Stated(
            family=S2, baseline="02.08", scale=1e-4, offset=0.0, offset_applied=False
        ),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "collection 1",
        Stated(family=S2, baseline="05.00", scale=1e-4, offset=-0.1, nodata=(0,)),
        1e-4,
        -0.1,
        (0,),
    ),
    (
        "states that it took it out",
        Stated(family=S2, baseline="05.00", scale=1e-4, offset=0.0),
        1e-4,
        0.0,
        (0,),
    ),
    (
        "states all but the baseline",
        Stated(family=S2, scale=1e-4, offset=-0.1),
        1e-4,
        -0.1,
        (0,),
    ),
    ("states a scale only", Stated(family=S2, scale=1e-4), 1e-4, 0.0, (0,)),
    (
        "other",
        Stated(family=OTHER, scale=2e-4, offset=0.01, nodata=(-1,)),
        2e-4,
        0.01,
        (-1,),
    ),
]

REFUSED = [
    (
        "safe new without offset",
        Stated(family=SAFE, baseline="04.00", quantification=10000),
        "BOA_ADD_OFFSET",
    ),
    (
        "safe without quantification",
        Stated(family=SAFE, baseline="02.14"),
        "QUANTIFICATION",
    ),
    (
        "safe quantification zero",
        Stated(family=SAFE, baseline="02.14", quantification=0),
        "QUANTIFICATION",
    ),
    (
        "safe private, silent",
        Stated(family=SAFE, baseline="99.99", quantification=10000),
        "unknown baseline",
    ),
    ("new and silent", Stated(family=S2, baseline="04.00"), "04.00"),
    ("no baseline", Stated(family=S2), "unknown baseline"),
    ("no baseline, original", Stated(family=S2, original=True), "unknown baseline"),
    (
        "no baseline, not applied",
        Stated(family=S2, offset_applied=False),
        "unknown baseline",
    ),
    ("nonsense baseline", Stated(family=S2, baseline="x"), "unknown baseline 'x'"),
    (
        "applied to an old baseline",
        Stated(family=S2, baseline="02.14", offset_applied=True),
        "02.14",
    ),
    (
        "old baseline with offset",
        Stated(family=S2, baseline="02.14", scale=1e-4, offset=-0.1),
        "contradicts",
    ),
    (
        "not applied, yet zero",
        Stated(
            family=S2, baseline="05.10", scale=1e-4, offset=0.0, offset_applied=False
        ),
        "contradicts",
    ),
    ("landsat half stated", Stated(family=LANDSAT, scale=2.75e-5), "offset None"),
    ("other silent", Stated(family=OTHER), "states no scale"),
    ("absurd scale", Stated(family=OTHER, scale=10000), "10000"),
    ("nan scale", Stated(family=OTHER, scale=float("nan")), "nan"),
    (
        "offset in numbers",
        Stated(family=S2, baseline="05.00", scale=1e-4, offset=-1000.0),
        "-1000",
    ),
]


@pytest.mark.parametrize(
    ("stated", "scale", "offset", "nodata"),
    [pytest.param(*row, id=name) for name, *row in DECIDED],
)
def test_metadata_decide(
    stated: Stated, scale: float, offset: float, nodata: tuple[int, ...]
) -> None:
    expected = Scaling(scale=scale, offset=offset, nodata=nodata)
    assert resolve_scaling(stated, where="x") == expected


@pytest.mark.parametrize(
    ("stated", "names"), [pytest.param(*row, id=name) for name, *row in REFUSED]
)
def test_contradiction_or_silence_is_refused(stated: Stated, names: str) -> None:
    with pytest.raises(DataError, match=names) as refused:
        resolve_scaling(stated, where="product.xml")
    assert str(refused.value).startswith("product.xml: ")
