"""What is translated again, with a real model."""

import pytest

from polyspec.settings import Settings
from polyspec.translation.pipeline import TranslatedSegment
from polyspec.translator import Translator, open_translator

pytestmark = pytest.mark.model

TEXT = "The library opens at nine in the morning. Please bring your card and a pen.\n"
CHANGED = TEXT.replace("nine", "ten")


def translate(translator: Translator, text: str) -> list[TranslatedSegment]:
    events = translator.translate([text], is_streaming=False)
    return [event for event in events if isinstance(event, TranslatedSegment)]


def test_similar_translations_draft_and_identical_ones_are_reused() -> None:
    settings = Settings(model="gemma-3-270m", to="de", from_="en", draft="memory")
    with open_translator(settings) as translator:
        first = translate(translator, TEXT)
        drafted = translate(translator, CHANGED)
    followed = sum(
        segment.counts.accepted_by_source.get("match", 0) for segment in drafted
    )
    assert followed > 0
    assert not any(segment.is_recalled for segment in drafted)
    with open_translator(settings.model_copy(update={"reuse": True})) as translator:
        reused = translate(translator, TEXT)
    assert [segment.text for segment in reused] == [segment.text for segment in first]
    assert all(segment.is_recalled for segment in reused if segment.text.strip())
