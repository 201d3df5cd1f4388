"""agroforest: farms and forests watched from space and from the soil.

Importing the package has no side effect and loads neither torch, folium nor
distributed; each of them stays behind the room that needs it.
"""

__version__ = "0.1.0"
