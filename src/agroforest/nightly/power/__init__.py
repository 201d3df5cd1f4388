"""What nights cost in energy and carbon, and how to make them cost less."""
