"""Which language and which script a text is in."""

from polyspec.detection.detect import Detection, detect
from polyspec.detection.scripts import scripts_for, scripts_of, share_in_script

__all__ = ["Detection", "detect", "scripts_for", "scripts_of", "share_in_script"]
