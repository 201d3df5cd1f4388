"""The desk at work: decisions, messages and the record of both, kept in one go."""
