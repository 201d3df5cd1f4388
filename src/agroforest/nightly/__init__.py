"""One night: plan the work, do it on Dask, decide, and publish.

The only room that joins reading and writing to decisions.
"""

from agroforest.nightly.plan import TileTask, plan_night
from agroforest.nightly.run import NightOutcome, run_nights

__all__ = ["NightOutcome", "TileTask", "plan_night", "run_nights"]
