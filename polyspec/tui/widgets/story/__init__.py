"""What a story is to be like."""
