"""Training data, one adapter a task; splits are by place and year only."""
