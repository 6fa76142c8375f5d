"""What a model is asked when it is to write a story."""

import math
from collections.abc import Callable
from dataclasses import replace

from polyspec.languages import Language
from polyspec.prompting.interfaces import Prompt, PromptPart
from polyspec.prompting.profiles import Profile

# How stories begin. A base model is led into the language by it.
_OPENINGS = {
    "amh": "ከዕለታት አንድ ቀን",
    "ara": "كان يا ما كان",
    "ber": "Yiwen wass",
    "deu": "Es war einmal",
    "eng": "Once upon a time",
    "fra": "Il était une fois",
    "grn": "Peteĩ ára",
    "haw": "I kekahi lā",
    "hin": "एक समय की बात है",
    "ibo": "Otu ụbọchị",
    "ita": "C'era una volta",
    "jpn": "むかしむかし",
    "kor": "옛날 옛적에",
    "nld": "Er was eens",
    "npi": "एक दिन",
    "oci": "Un còp èra",
    "pol": "Dawno, dawno temu",
    "por": "Era uma vez",
    "rus": "Жили-были",
    "spa": "Érase una vez",
    "tur": "Bir varmış bir yokmuş",
    "ukr": "Колись давно",
    "yor": "Ní ọjọ́ kan",
    "zho": "从前",
}
_CHARS_PER_WORD = 1.7
"""Where words are not separated by spaces."""
_FREEDOM = 1.5
"""How much longer than wanted a story may become."""
_MIN_TOKENS_PER_WORD, _MAX_TOKENS_PER_WORD = 1.4, 16.0
_SPARE_TOKENS = 48


def make_story_prompt(
    profile: Profile, language: Language, theme: str, num_words: int, so_far: str = ""
) -> Prompt:
    """What to ask for one story; the shared part is the same for all themes.

    A chat model is instructed. A base model is given a title and `story_opening`, which
    then belongs to the story. What is written `so_far` stands where the answer begins,
    so that either goes on with it.
    """
    theme = " ".join(theme.split())
    if not profile.takes_instructions:
        title = f"{language.native_name}\n\n"
        opening = so_far or story_opening(profile, language)
        return profile.make_prompt(title, f"{theme}\n\n", opening, stop=("\n\n\n",))
    task = (
        f"Write a story in {language.name} of about {num_words} words on the theme "
        f"below. Write only the story itself, all of it in {language.name}.\n\n"
    )
    prompt = profile.make_prompt(task, theme)
    if so_far:
        return replace(prompt, own=(*prompt.own, PromptPart(so_far)))
    return prompt


def story_opening(profile: Profile, language: Language) -> str:
    """The words of the story that the prompt already holds; may be empty."""
    if profile.takes_instructions or language.tag == "zh-Hant":
        return ""
    return _OPENINGS.get(language.code, "")


def estimate_tokens(
    language: Language, num_words: int, count_tokens: Callable[[str], int]
) -> int:
    """Most tokens that a story of about `num_words` words may take.

    Judged by how many the language's own words take, which in scripts that a tokenizer
    splits into bytes is many.
    """
    sample = _OPENINGS.get(language.code, language.native_name)
    num_sample_words = (
        len(sample.split())
        if language.is_spaced
        else max(1.0, len(sample) / _CHARS_PER_WORD)
    )
    rate = count_tokens(sample) / num_sample_words
    rate = min(max(rate, _MIN_TOKENS_PER_WORD), _MAX_TOKENS_PER_WORD)
    return math.ceil(num_words * rate * _FREEDOM) + _SPARE_TOKENS
