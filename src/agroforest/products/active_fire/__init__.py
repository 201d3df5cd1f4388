"""Active fire in images at the top of the atmosphere, as detections.

files        bands and saturation of a scene, opened and checked
strips       rows read once, from the north, with the margin that rules look around
find         the three rules, block by block; pixels that burn
feed         pixels gathered into detections in the columns of FIRMS; what to say
"""

from agroforest.products.active_fire.feed import SceneFeed, read_fires
from agroforest.products.active_fire.find import FirePixels, find_fires

__all__ = ["FirePixels", "SceneFeed", "find_fires", "read_fires"]
