"""Pure arithmetic on reflectance: spectral indices and each pixel's season.

Importing `agroforest.indices.accessor` registers the ``agro`` accessor of xarray
datasets; the package itself does not, for xarray takes a third of a second.
"""

from agroforest.indices.encoding import decode, encode
from agroforest.indices.registry import INDICES, Index, compute, find_index

__all__ = ["INDICES", "Index", "compute", "decode", "encode", "find_index"]
