"""Pure: what people decide about alerts, and what is learned from it."""
