"""N-gram tables: their file format, how they are built, looked up and replayed."""
