"""Zonal statistics: rasters by parcel and by administrative unit.

Read in this order: `run` (the whole, top to bottom), `pixels` (one batch of
parcels), `totals` (units).
"""

from agroforest.products.zonal.names import STATISTICS, USUAL
from agroforest.products.zonal.run import ZonalReport, ZonalRequest, write_zonal

__all__ = ["STATISTICS", "USUAL", "ZonalReport", "ZonalRequest", "write_zonal"]
