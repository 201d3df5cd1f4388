"""Fuel moisture measured on the ground beside three months of satellite and weather.

A folder holds arrays of equal length, a row a sample: ``s1_s2_era5_srtm.npy``
``(n, 3, 18)``, the month of the sample last, see `CHANNELS`; ``month.npy``
``(n, 3)``, 0 for January; ``latlon.npy`` ``(n, 2)``, degrees; and, where somebody
knows them, ``site.npy`` and ``target.npy``, water in percent of dry mass. Other files
are not read.

What tells moisture apart is first where in its season a place stands, and how wet
its last months were; a canopy's colour comes after that. So latitude goes in as
the length of the day and as Hopkins' season, and longitude and the bare position do
not: with them trees learn the sites by heart and are worse on others. Samples of one
place are judged beside one another, so give them together.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.files import write_text
from agroforest.risk.rows import Items
from agroforest.risk.task import Answers

Floats = NDArray[np.float64]

STEPS = 3
#: Channels of a month, in the order of the file: backscatter in dB, reflectance
#: times 10000, air temperature in K, rain in m a day, elevation in m, slope in
#: degrees, NDVI.
CHANNELS = (
    "VV",
    "VH",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B8A",
    "B09",
    "B11",
    "B12",
    "temperature",
    "rain",
    "elevation",
    "slope",
    "NDVI",
)
#: What is read of a month.
FEATURES = (*CHANNELS, "month", "latitude")
#: Column of the predictions.
MOISTURE = "lfmc"
_FILES = {
    "s1_s2_era5_srtm": (STEPS, len(CHANNELS)),
    "month": (STEPS,),
    "latlon": (2,),
}
# Air temperatures of the Earth; in °C they would be below. Arbitrary.
_KELVIN = (180, 340)
_REMEDY = "give the layout of docs/models.md"


# ---------------------------------------------------------------- files
def read(folder: Path) -> Items:
    """Read samples, and what was measured where somebody knows it.

    Parameters
    ----------
    folder
        See the module.

    Returns
    -------
    Items
        `values` ``(n, 3, 20)`` float32 in the units of the file, see `FEATURES`;
        `place` the site (of a folder without sites, the position); `name` the row.

    Raises
    ------
    DataError
        A file is missing, damaged, of another shape, or has other numbers in it
        than its units allow.
    """
    arrays = {
        name: _load(folder / f"{name}.npy", shape) for name, shape in _FILES.items()
    }
    count = len(arrays["latlon"])
    for name, array in arrays.items():
        if len(array) != count:
            problem = f"{len(array)} rows, latlon.npy has {count}"
            raise DataError(folder / f"{name}.npy", problem, "give a row a sample")
    _check(folder / "month.npy", arrays["month"], 0, 11)
    _check(folder / "latlon.npy", arrays["latlon"][:, 0], -90, 90)
    warmth = arrays["s1_s2_era5_srtm"][..., CHANNELS.index("temperature")]
    _check(folder / "s1_s2_era5_srtm.npy", warmth[np.isfinite(warmth)], *_KELVIN)
    latitude = np.repeat(arrays["latlon"][:, :1], STEPS, axis=1)
    values = np.concatenate(
        [
            arrays["s1_s2_era5_srtm"],
            np.stack([arrays["month"], latitude], axis=-1),
        ],
        axis=-1,
    )
    return Items(
        values=values.astype(np.float32),
        place=_sites(folder / "site.npy", arrays["latlon"]),
        name=np.arange(count),
        truth=_truth(folder / "target.npy", count),
    )


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    """Write ``predictions.csv``, a row a sample as they were read.

    Columns: ``lfmc``, percent of dry mass; ``spread``, how far the copies of the
    model disagree. A threshold plays no part.
    """
    del samples, threshold
    rows = zip(answers.value[:, 0].tolist(), answers.spread.tolist(), strict=True)
    lines = [
        f"{MOISTURE},spread",
        *(f"{value:.3f},{spread:.3f}" for value, spread in rows),
    ]
    path = out / "predictions.csv"
    write_text(path, "\n".join(lines) + "\n")
    return [path]


def _load(path: Path, shape: tuple[int, ...]) -> Floats:
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise DataError(path, error.strerror or "unreadable", _REMEDY) from None
    except ValueError as error:
        raise DataError(path, f"not an array ({error})", "copy it again") from None
    if array.dtype.kind not in "iuf" or array.shape[1:] != shape or array.ndim == 0:
        wanted = ", ".join(["n", *map(str, shape)])
        problem = f"{array.dtype} of shape {array.shape}, not numbers ({wanted})"
        raise DataError(path, problem, _REMEDY)
    return np.asarray(array, np.float64)


def _check(path: Path, array: Floats, low: float, high: float) -> None:
    wrong = array[~((array >= low) & (array <= high))]
    if wrong.size:
        problem = f"{wrong[0]:g} is not within {low:g}..{high:g}"
        raise DataError(path, problem, _REMEDY)


def _sites(path: Path, latlon: Floats) -> NDArray[np.str_]:
    if not path.exists():
        return np.array([f"{north:.3f} {east:.3f}" for north, east in latlon], np.str_)
    try:
        sites = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(path, f"not an array ({error})", "copy it again") from None
    if sites.shape != latlon.shape[:1]:
        problem = f"shape {sites.shape}, latlon.npy has {len(latlon)} rows"
        raise DataError(path, problem, "give a name a sample, or leave it out")
    return np.asarray(sites, np.str_)


def _truth(path: Path, count: int) -> NDArray[np.float32] | None:
    if not path.exists():
        return None
    target = _load(path, ())
    if len(target) != count:
        problem = f"{len(target)} rows, latlon.npy has {count}"
        raise DataError(path, problem, "give a row a sample")
    _check(path, target[np.isfinite(target)], 0, 2000)
    return target.astype(np.float32)
