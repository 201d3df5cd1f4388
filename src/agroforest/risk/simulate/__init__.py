"""Simulated forests: canopy spectra through seasons, weather and disturbance."""

from agroforest.risk.simulate.events import KINDS
from agroforest.risk.simulate.forest import VERSION, Forest, build_forest
from agroforest.risk.simulate.spectra import Emulator

__all__ = ["KINDS", "VERSION", "Emulator", "Forest", "build_forest"]
