"""The desk for programs: JSON over HTTP, described by OpenAPI."""

from agroforest.web.api.router import build_api

__all__ = ["build_api"]
