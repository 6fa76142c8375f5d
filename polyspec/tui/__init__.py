"""The terminal interface: a client of `translator`, like the command line."""
