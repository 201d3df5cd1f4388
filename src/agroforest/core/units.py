"""Units that people use beside the metric ones."""

#: Mu (亩) in a hectare.
MU_PER_HA = 15.0
