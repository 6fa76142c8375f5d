"""Building drafters from what a target writes."""
