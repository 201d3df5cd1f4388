"""Pure arithmetic on reflectance: spectral indices and each pixel's season.

Importing this package registers the ``agro`` accessor of xarray datasets.
"""

from agroforest.indices import accessor as _accessor  # noqa: F401  registers `agro`
from agroforest.indices.encoding import decode, encode
from agroforest.indices.registry import INDICES, Index, compute, find_index

__all__ = ["INDICES", "Index", "compute", "decode", "encode", "find_index"]
