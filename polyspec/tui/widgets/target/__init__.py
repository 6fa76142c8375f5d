"""Where the translation appears."""
