"""A theme in, a story out."""
