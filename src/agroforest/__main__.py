"""``python -m agroforest``."""

from agroforest.cli import main

main()
