"""Types, errors, grids and settings: the words every other room speaks."""
