"""The translator that every interface is a client of, and how it is put together."""

from polyspec.loading import Loaded, load_model
from polyspec.translator.assembly import (
    make_model_drafter,
    make_translator,
    open_translator,
)
from polyspec.translator.translator import Translator, adjust_sampling

__all__ = [
    "Loaded",
    "Translator",
    "adjust_sampling",
    "load_model",
    "make_model_drafter",
    "make_translator",
    "open_translator",
]
