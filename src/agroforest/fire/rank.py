"""The untrained rank: published classes put together in one stated way.

1. *Weather.* The day's fire weather index (Van Wagner 1987) in classes of the place's
   own climate, or Europe's where the history is too short; and the Chinese rank HTZ
   (LY/T 1172-95) once its tables are verified. The higher counts: our choice.
2. *Fuel.* One rank more where live fuel holds less than 80 % water (published) or the
   canopy is drier than usual by a standard deviation (our choice); not on days of the
   lowest class, and never above 5: our choice.

Nothing here was learned, and nobody has measured its skill in Guangxi. It puts days
and cells in order; it is no probability of fire.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.indices.fire_weather.classes import EUROPEAN, DangerClasses, fit_classes

Floats = NDArray[np.float64]
Ranks = NDArray[np.int8]

#: Ranks, 1 is the lowest.
HIGHEST = 5
#: Live fuel with less water than this, in % of dry mass, is dangerous: 79 % in
#: chaparral (Dennison & Moritz 2009, International Journal of Wildland Fire 18,
#: 1021-1027); forests burn from about 100 % on (Nolan et al. 2016, Geophysical
#: Research Letters 43, 4229-4238), so this asks for more.
DRY_FUEL = 80.0
#: Standard deviations below the season's own NDMI from which a canopy counts as dry:
#: our choice.
DRY_CANOPY = -1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A part of the rule, for people.

    Attributes
    ----------
    zh, en
        What it says.
    source
        Who published it, or ``our choice``.
    """

    zh: str
    en: str
    source: str


RULE: tuple[Statement, ...] = (
    Statement(
        zh="火险天气指数 FWI",
        en="fire weather index",
        source="Van Wagner 1987, Forestry Technical Report 35",
    ),
    Statement(
        zh="FWI 按本地历年百分位 50/75/90/97 分为 5 级",
        en="classes at the place's own percentiles 50, 75, 90 and 97",
        source="local percentiles: Van Wagner 1987; these four: our choice",
    ),
    Statement(
        zh="历史不足 5 年时用欧洲分级 5.2/11.2/21.3/38，最高两级合并",
        en="Europe's limits 5.2, 11.2, 21.3 and 38 where the history is short; its two "
        "highest classes are one",
        source="EFFIS; merging: our choice",
    ),
    Statement(
        zh="HTZ 表经核对后，取 FWI 等级与 HTZ 等级的较高者",
        en="the higher of the classes of FWI and HTZ, once HTZ's tables are verified",
        source="LY/T 1172-95 (verify); taking the higher: our choice",
    ),
    Statement(
        zh=f"活可燃物含水率低于 {DRY_FUEL:g} % 升一级",
        en=f"one rank more where live fuel holds less than {DRY_FUEL:g} % water",
        source="threshold: Dennison & Moritz 2009 (79 %); one rank: our choice",
    ),
    Statement(
        zh=f"NDMI 距平低于 {DRY_CANOPY:g} 个标准差视同干燥可燃物",
        en=f"an NDMI anomaly below {DRY_CANOPY:g} sd counts as dry fuel, too",
        source="our choice",
    ),
    Statement(
        zh="最低等级日不升级；合计最多升一级，最高 5 级",
        en="no rank more on days of the lowest class; one at most; 5 is the highest",
        source="our choice",
    ),
)


def find_limits(values: Floats, days: NDArray[np.integer]) -> tuple[DangerClasses, str]:
    """Limits between the five classes of the fire weather index.

    Parameters
    ----------
    values
        ``(day, place)`` the index, NaN missing.
    days
        ``(day,)`` days since 1970-01-01, without forecasts.

    Returns
    -------
    tuple
        Limits ``(4, place)`` of each place's own percentiles, or Europe's four
        ``(4,)``; and what to tell people if they are Europe's, else nothing.
    """
    try:
        return fit_classes(values, days), ""
    except DataError as error:
        european = DangerClasses(
            limits=EUROPEAN.limits[: HIGHEST - 1],
            percentiles=(),
            years=EUROPEAN.years,
            source=EUROPEAN.source,
        )
        return european, f"{error.problem}: Europe's limits are used"


def find_dryness(moisture: Floats | None, anomaly: Floats | None) -> NDArray[np.bool_]:
    """Where fuel is known to be dry; what is not known is not dry.

    Parameters
    ----------
    moisture
        Live fuel moisture, % of dry mass; ``None`` if missing.
    anomaly
        Same shape, NDMI anomaly in standard deviations; ``None`` if missing.
    """
    dry = np.zeros((), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        if moisture is not None:
            dry = dry | (moisture < DRY_FUEL)
        if anomaly is not None:
            dry = dry | (anomaly <= DRY_CANOPY)
    return np.asarray(dry)


def combine(weather: Ranks, htz: Ranks | None, dry: NDArray[np.bool_]) -> Ranks:
    """Put classes together.

    Parameters
    ----------
    weather
        Any shape, int8, class of the fire weather index 1 to 5; 0 is not known.
    htz
        Same shape, int8, rank 1 to 5; 0 is not known. ``None`` if missing.
    dry
        Same shape or one for all: where fuel is known to be dry.

    Returns
    -------
    ndarray
        Same shape, int8, 1 to 5; 0 where neither weather class is known.
    """
    highest = weather if htz is None else np.maximum(weather, htz)
    raised = np.minimum(highest + (dry & (highest > 1)), HIGHEST)
    return np.asarray(raised, dtype=np.int8)
