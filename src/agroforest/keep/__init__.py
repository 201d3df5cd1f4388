"""What is kept for a bad day, and for how long: backup, restore, pruning."""
