"""Which cases have never happened: simulated is called simulated wherever it goes."""

#: Whether all are, or the names of the pipelines whose scenes never existed.
Simulated = bool | frozenset[str]


def is_simulated(simulated: Simulated, pipeline: str) -> bool:
    """Whether a pipeline's cases have never happened."""
    return simulated if isinstance(simulated, bool) else pipeline in simulated
