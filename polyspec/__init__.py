"""PolySpec: an offline translator and story writer for the terminal."""

__version__ = "0.1.0"
