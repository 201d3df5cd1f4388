"""Once a year: a season compared with that of the year before."""
