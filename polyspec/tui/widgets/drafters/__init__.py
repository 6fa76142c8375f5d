"""What drafting does, to be watched."""
