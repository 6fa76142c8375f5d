"""What can be set, the ranges, and what each setting means."""

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError("no text encoding has that name") from None
    return codecs.lookup(name).name


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("input should not be blank")
    return text


Name = Annotated[str, AfterValidator(_not_blank)]


class Settings(BaseModel):
    """What the user can choose once instead of typing it every time."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    model: Name | None = None
    """Model to use: a name from `polyspec models list` or the path of a GGUF file."""
    to: Name | None = None
    """Language to translate into when none is named."""
    from_: Annotated[Name, Field(alias="from")] = "auto"
    """Language to translate from; `auto` finds out which one a text is in."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    """Encoding of the texts that are read."""
    draft: Name = "auto"
    """Drafter: `auto` picks what pays, `none` drafts nothing, `model:NAME` a model."""
    memory: bool = True
    """Keep translations and learn from texts, to write the like faster next time."""
    reuse: bool = False
    """Take stored translations of identical sentences without asking the model."""
    fuzzy: Annotated[int, Field(ge=50, le=100)] = 75
    """How similar, in percent, a stored sentence must be to be of use."""
    examples: bool = False
    """Show the model the most similar stored translation as an example."""
    glossary: Name | None = None
    """File with the terms to be used: .csv, .tsv or .tbx."""
    history: bool = True
    """List what is translated in the history, on this machine."""
    private: bool = False
    """Keep nothing of a text: no memory, no history, no learning, no journal."""
    exact: bool = False
    """Give, to the letter, the text of plain decoding, one segment at a time."""
    temperature: Annotated[float | None, Field(ge=0, le=10)] = None
    """How freely words are drawn: 0 takes the likeliest; unset, the task decides."""
    top_k: Annotated[int | None, Field(ge=0)] = None
    """Draw among this many likeliest tokens, 0 for all; unset, the task decides."""
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    """Draw among the likeliest tokens that make up this probability."""
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    """Leave out tokens below this share of the likeliest one's probability."""
    repetition_penalty: Annotated[float | None, Field(gt=0, le=10)] = None
    """Make tokens already written less likely; 1 changes nothing."""
    seed: Annotated[int | None, Field(ge=0, lt=2**32)] = None
    """Start of the random draws; unset, each run draws anew."""
    gpu_layers: Annotated[int, Field(ge=-1)] = -1
    """Layers of the model that the GPU holds, -1 for all."""
    draft_gpu_layers: Annotated[int, Field(ge=-1)] = -1
    """Layers of the draft model that the GPU holds, -1 for all."""
    threads: Annotated[int | None, Field(ge=1, le=1024)] = None
    """Processor threads; unset, as many as suit the machine."""
    ctx: Annotated[int | None, Field(ge=256)] = None
    """Tokens that the model's memory holds; unset, as many as the job needs."""
    kv_type: Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"] = (
        "f16"
    )
    """Number format of the model's memory: smaller ones save space, not time."""
    parallel: Annotated[int | None, Field(ge=1, le=256)] = None
    """Segments decoded side by side; unset, as many as pay on this machine."""


def setting_keys() -> dict[str, str]:
    """What each key of a settings file means, in the order to show them."""
    return {
        key_of(name): field.description or ""
        for name, field in Settings.model_fields.items()
    }


def key_of(field: str) -> str:
    """The key in a settings file of a field: `from` is no name in Python."""
    return "from" if field == "from_" else field


def get_value(settings: Settings, key: str) -> Any:
    """The value that a key of a settings file has."""
    return getattr(settings, "from_" if key == "from" else key)
