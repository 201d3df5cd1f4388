"""A cube of scenes watched from its first date to its last, as the nights would.

One call instead of hundreds of nights: for research, for a first look at a region,
and for comparing detectors.
"""

from agroforest.monitor.cube import Cube, open_cube
from agroforest.monitor.explain import explain_cube
from agroforest.monitor.forest import read_forest
from agroforest.monitor.watch import CODES, Found, Progress, watch_cube

__all__ = [
    "CODES",
    "Cube",
    "Found",
    "Progress",
    "explain_cube",
    "open_cube",
    "read_forest",
    "watch_cube",
]
