"""What others read over HTTP: the only room that knows FastAPI.

Each module of it builds a router over an open store; what a router is mounted in is
not its concern.
"""
