"""Migration scripts, run by `agroforest.store.migration`."""
