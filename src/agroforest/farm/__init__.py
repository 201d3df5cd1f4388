"""A farm's records: crops and soils of tables, seasons of files.

A room of its own beside `weather` and `sensors`, because one season's files hold crop,
soil, irrigation and weather together, and siblings do not import each other.
"""
