"""Canopy reflectance from leaf and stand parameters, a million a second.

A network of two hidden layers trained on PROSAIL spectra (Jacquemoud et al.
2009, doi:10.1016/j.rse.2008.01.026; leaf model PROSPECT-D, Feret et al. 2017,
doi:10.1016/j.rse.2017.03.004) stands in for the radiative-transfer code, so
simulated series need no further library and can be made again from this
repository.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.card import Model, load_model, models_dir, schema_digest

#: Parameters of a spectrum, in order, with their units.
PARAMETERS = (
    "structure",  # mesophyll layers of a leaf, 1.2..2.2
    "chlorophyll",  # ug/cm2, 2..80
    "carotenoids",  # ug/cm2, 1..16
    "brown",  # brown pigment, arbitrary unit, 0..1.5
    "water",  # equivalent water thickness, cm, 0.001..0.05
    "dry_matter",  # g/cm2, 0.002..0.02
    "lai",  # leaf area index, 0.05..7.5
    "leaf_angle",  # mean, degrees, 30..70
    "hot_spot",  # 0.01..0.4
    "sun_zenith",  # degrees, 15..65
    "view_zenith",  # degrees, 0..12
    "azimuth",  # between sun and view, degrees, 0..180
    "soil_brightness",  # 0.3..1.3
    "soil_moisture",  # 0 dry .. 1 wet
)
#: Sentinel-2 bands of a spectrum, in order.
SPECTRUM = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
EMULATOR = "prosail-emulator"


class Emulator:
    """The trained stand-in for PROSAIL.

    Parameters
    ----------
    model
        Its weights and card.
    """

    def __init__(self, model: Model) -> None:
        inputs = model.card.inputs
        centre = np.array(inputs.centre, dtype=np.float32)
        scale = np.array(inputs.scale, dtype=np.float32)
        tensors = model.tensors
        count = model.card.learners[0].blocks + 1
        self._layers = [
            (tensors[f"layers.{i}.weight"].T, tensors[f"layers.{i}.bias"])
            for i in range(count)
        ]
        weight, bias = self._layers[0]  # take the normalisation into the first layer
        weight = weight / scale[:, None]
        self._layers[0] = (weight, bias - centre @ weight)

    @classmethod
    def shipped(cls, folder: Path | None = None) -> "Emulator":
        """Load the emulator that comes with the package.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        where = folder or models_dir() / EMULATOR
        return cls(load_model(where, schema=schema_digest(PARAMETERS)))

    def reflectance(self, parameters: NDArray[np.float32]) -> NDArray[np.float32]:
        """Spectra of canopies.

        Parameters
        ----------
        parameters
            ``(n, 14)`` float32, in the order of `PARAMETERS`. Beyond the ranges
            given there the answer is an extrapolation.

        Returns
        -------
        ndarray
            ``(n, 10)`` float32 reflectance, not below 0, in the order of
            `SPECTRUM`.
        """
        values = parameters
        for weight, bias in self._layers[:-1]:
            values = np.tanh(values @ weight + bias)
        weight, bias = self._layers[-1]
        return np.asarray(np.maximum(values @ weight + bias, 0.0), dtype=np.float32)
