"""Everything below ``/api/v1``."""

from fastapi import APIRouter

from agroforest.web.api import cases

#: Where the API is; a change that breaks programs gets another number.
PREFIX = "/api/v1"


def build_api() -> APIRouter:
    """Build the router of the API."""
    router = APIRouter(prefix=PREFIX)
    router.include_router(cases.router)
    return router
