"""Hotspots: what satellites saw burn, as detections and as events.

Read in this order: `detections` (the words), `firms` (rows in), `links` and `events`
(rows to events), `static`, `districts` and `land_cover` (what is known of the place),
`survey` (the whole, top to bottom).
"""
