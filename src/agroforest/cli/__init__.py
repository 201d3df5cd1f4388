"""Commands: each is one library call and its options.

Data goes to standard output, everything else to standard error, bars only to a
terminal. Exit codes: 0 done, 1 failed, 2 usage or settings, 3 some tiles failed,
4 locked by another run, 5 nothing to work on, 143 stopped by SIGTERM.
"""

from agroforest.cli.app import main

__all__ = ["main"]
