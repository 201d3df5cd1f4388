"""What a case rests on: images before and after, the season, readings, weather."""
