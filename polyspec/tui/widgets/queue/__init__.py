"""Files that wait to be translated."""
