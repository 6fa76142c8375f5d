"""The translator that every interface is a client of, and how it is put together."""

from polyspec.loading import Loaded, load_model
from polyspec.translator.assembly import (
    join_translator,
    make_model_drafter,
    make_translator,
    open_translator,
)
from polyspec.translator.draws import adjust_sampling
from polyspec.translator.translator import Translator, read_beginning

__all__ = [
    "Loaded",
    "Translator",
    "adjust_sampling",
    "join_translator",
    "load_model",
    "make_model_drafter",
    "make_translator",
    "open_translator",
    "read_beginning",
]
