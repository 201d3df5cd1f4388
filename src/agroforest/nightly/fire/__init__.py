"""What a night does about fire."""
