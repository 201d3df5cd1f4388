"""What a scene shares is asked of its undamaged pixels, whatever bands there are."""

import numpy as np
import pytest

from agroforest.indices.reference import shared_residual
from agroforest.indices.season import SIGNALS

_HAZE = 0.02
# What a declining canopy adds to each signal.
_DAMAGE = {"B03": 0.05, "B04": 0.06, "B8A": -0.04, "B11": 0.06, "B12": 0.06}


def scene(known: set[str], ailing: float) -> tuple[np.ndarray, np.ndarray]:
    """Residuals and spreads of 400 pixels, a share of which ails under haze."""
    rng = np.random.default_rng(0)
    spread = np.full((len(SIGNALS), 400), 0.01)
    value = rng.normal(_HAZE, 0.01, spread.shape)
    for name, more in (_DAMAGE | {"CRSWIR": 0.2}).items():
        value[SIGNALS.index(name), : round(400 * ailing)] += more
    value[[name not in known for name in SIGNALS]] = np.nan
    return value, spread


@pytest.mark.parametrize("ailing", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(
    "known",
    [
        set(SIGNALS),
        {"B02", "B03", "B04", "B8A", "B11"},
        {"B02", "B03", "B04", "B11", "B12"},
        {"B02", "B03", "B04", "B8A"},
        {"B03", "B8A"},
    ],
    ids=lambda known: " ".join(sorted(known)),
)
def test_haze_is_told_from_decline(known: set[str], ailing: float) -> None:
    shared = shared_residual(*scene(known, ailing))
    for name, found in zip(SIGNALS, shared, strict=True):
        if name in known:
            assert found == pytest.approx(_HAZE, abs=0.007), name
        else:
            assert found == 0


def test_a_signal_that_few_pixels_have_does_not_choose_for_all() -> None:
    value, spread = scene({"B04", "CRSWIR"}, 0.6)
    value[-1, 20:] = np.nan
    assert shared_residual(value, spread)[2] == pytest.approx(_HAZE, abs=0.007)


def test_nothing_is_shared_where_hardly_a_pixel_speaks() -> None:
    value, spread = scene({"B04"}, 0.0)
    assert not shared_residual(value[:, :20], spread[:, :20]).any()
