"""Spectral indices: pure functions of surface reflectance.

Every function takes reflectances as fractions (0.25, not 2500) in arrays of one
shape, dtype float32 or float64, NaN meaning nodata, as NumPy, Dask or xarray
arrays, and returns the same kind of array in the same dtype. Integers are read
as float32.

Where the formula has no meaning the result is NaN:

* A denominator of zero or less is nodata. Atmospheric correction leaves slightly
  negative reflectances over dark ground; a sum that they push to zero or below
  is noise, whatever the numerator.
* A normalised difference whose negative term lifts it beyond 1 (or -1) is 1
  (or -1): what it would be if that band reflected nothing.
* The other ratios have no bound of their own. Beyond 3 (`RATIO_LIMIT`) they come
  from denominators within the noise and are nodata.

So every index stays in the range that the registry states, for any input.

Each docstring holds the equation as its paper publishes it; what is computed
stands in `agroforest.indices.formulas`. Numbers of equations are left out: where
the originals could not be compared, a number would be a guess.
"""

from agroforest.indices.elementwise import Array, elementwise, evaluate
from agroforest.indices.formulas import Formula


@elementwise
def ndvi(nir: Array, red: Array) -> Array:
    """Normalised difference vegetation index, (NIR - red) / (NIR + red).

    Parameters
    ----------
    nir
        Near infrared: B08 (10 m), or B8A (20 m).
    red
        B04.

    Returns
    -------
    array
        -1..1; near 0 on bare ground, above 0.7 under closed canopy, negative on
        water. NaN is nodata.

    References
    ----------
    Rouse et al. 1974, Monitoring vegetation systems in the Great Plains with
    ERTS, NASA SP-351, 309-317. Tucker 1979, Remote Sensing of Environment 8,
    127-150.
    """
    return evaluate(Formula.NORMALISED_DIFFERENCE, nir, red)


@elementwise
def evi(nir: Array, red: Array, blue: Array) -> Array:
    """Enhanced vegetation index, less saturated than NDVI in dense canopy.

    ``2.5 (NIR - red) / (NIR + 6 red - 7.5 blue + 1)``

    Parameters
    ----------
    nir
        B08.
    red
        B04.
    blue
        B02.

    Returns
    -------
    array
        -3..3, on land -0.2..1; NaN is nodata. Over snow and cloud the
        denominator vanishes and the index means nothing.

    References
    ----------
    Huete et al. 2002, Remote Sensing of Environment 83, 195-213.
    """
    return evaluate(Formula.EVI, nir, red, blue)


@elementwise
def ndmi(nir: Array, swir: Array) -> Array:
    """Normalised difference moisture index, (NIR - SWIR) / (NIR + SWIR).

    Parameters
    ----------
    nir
        B8A, of 20 m like B11. B08 gives the 10 m variant, in which the shortwave
        detail is still 20 m.
    swir
        B11, 1610 nm.

    Returns
    -------
    array
        -1..1, rising with canopy water; NaN is nodata.

    References
    ----------
    Gao 1996, Remote Sensing of Environment 58, 257-266, equation in the abstract
    (at 1240 nm); Wilson & Sader 2002, Remote Sensing of Environment 80, 385-396
    (the 1650 nm band and the name).
    """
    return evaluate(Formula.NORMALISED_DIFFERENCE, nir, swir)


@elementwise
def msi(swir: Array, nir: Array) -> Array:
    """Moisture stress index, SWIR / NIR, falling with leaf water.

    Parameters
    ----------
    swir
        B11, 1610 nm.
    nir
        B08, or B8A.

    Returns
    -------
    array
        0..3; green canopy 0.3..1, dry canopy above; NaN is nodata.

    References
    ----------
    Hunt & Rock 1989, Remote Sensing of Environment 30, 43-54.
    """
    return evaluate(Formula.RATIO, swir, nir)


@elementwise
def nmdi(nir: Array, swir1: Array, swir2: Array) -> Array:
    """Normalised multi-band drought index of soil and canopy.

    ``(NIR - (SWIR1 - SWIR2)) / (NIR + (SWIR1 - SWIR2))``

    Parameters
    ----------
    nir
        B8A, 865 nm.
    swir1
        B11, 1610 nm (1640 nm in the paper).
    swir2
        B12, 2190 nm (2130 nm in the paper).

    Returns
    -------
    array
        -3..3, mostly 0..1; above 1 where SWIR2 exceeds SWIR1, as on fresh
        burns; NaN is nodata. Rises with leaf water under canopy, falls with soil
        water on bare ground.

    References
    ----------
    Wang & Qu 2007, Geophysical Research Letters 34, L20405, equation in the
    abstract.
    """
    return evaluate(Formula.NMDI, nir, swir1, swir2)


@elementwise
def nbr(nir: Array, swir2: Array) -> Array:
    """Normalised burn ratio, (NIR - SWIR2) / (NIR + SWIR2).

    Parameters
    ----------
    nir
        B8A, 865 nm.
    swir2
        B12, 2190 nm.

    Returns
    -------
    array
        -1..1, falling with burning and with loss of canopy; NaN is nodata.

    References
    ----------
    Key & Benson 2006, Landscape assessment, in FIREMON, USDA RMRS-GTR-164-CD.
    """
    return evaluate(Formula.NORMALISED_DIFFERENCE, nir, swir2)


@elementwise
def ndre(nir: Array, red_edge: Array) -> Array:
    """Normalised difference red-edge index, (NIR - RE) / (NIR + RE).

    Parameters
    ----------
    nir
        B8A, 865 nm.
    red_edge
        B05, 705 nm.

    Returns
    -------
    array
        -1..1, rising with chlorophyll where NDVI is already saturated; NaN is
        nodata.

    References
    ----------
    Gitelson & Merzlyak 1994, Journal of Plant Physiology 143, 286-292.
    """
    return evaluate(Formula.NORMALISED_DIFFERENCE, nir, red_edge)


@elementwise
def crswir(nir: Array, swir1: Array, swir2: Array) -> Array:
    """Continuum removal of the shortwave infrared, rising with dieback.

    B11 divided by the straight line from B8A to B12 at B11's wavelength:
    ``B11 / (B8A + (B12 - B8A) (1610.4 - 864) / (2185.7 - 864))``

    Parameters
    ----------
    nir
        B8A.
    swir1
        B11.
    swir2
        B12.

    Returns
    -------
    array
        0..3; healthy conifers 0.4..0.7, above 1 without leaf water; NaN is
        nodata.

    References
    ----------
    Dutrieux et al. 2021, Package fordead (INRAE), index CRSWIR.
    """
    return evaluate(Formula.CRSWIR, nir, swir1, swir2)
