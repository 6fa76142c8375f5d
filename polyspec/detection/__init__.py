"""Which language and which script a text is in."""

from polyspec.detection.choice import AUTO, SourceChoice, choose_source, read_ahead
from polyspec.detection.detector import SAMPLE_CHARS, Detection, detect
from polyspec.detection.scripts import scripts_for, scripts_of, share_in_script

__all__ = [
    "AUTO",
    "SAMPLE_CHARS",
    "Detection",
    "SourceChoice",
    "choose_source",
    "detect",
    "read_ahead",
    "scripts_for",
    "scripts_of",
    "share_in_script",
]
