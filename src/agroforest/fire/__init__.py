"""Fire: where it could burn, before it does, and what burned.

Read in this order: `cells` (where), `drivers` (the words), `weather_on_cells` (weather
and moisture codes on the cells), `rank` (the published combination), `danger` (the
whole, top to bottom); `cell_days`, `sample` and `occurrence` for what is learned from
hotspots. Scars stand apart: `scar_image`, `scar_judge`, `scar_outline`, `scar_guard`,
`scar_severity`, and `scar`, the whole, top to bottom.
"""
