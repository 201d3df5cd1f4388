"""Fire: where it could burn, before it does.

Read in this order: `cells` (where), `drivers` (the words), `weather_on_cells` (weather
and moisture codes on the cells), `rank` (the published combination), `danger` (the
whole, top to bottom); `cell_days`, `sample` and `occurrence` for what is learned from
hotspots.
"""
