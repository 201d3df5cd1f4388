"""Pages of the desk, one module a page; each builds a router."""
