"""Models that can be had: what they are, where they are, how to fetch them."""
