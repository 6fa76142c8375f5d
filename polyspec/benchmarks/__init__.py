"""What to measure, measuring it, and reporting it."""
