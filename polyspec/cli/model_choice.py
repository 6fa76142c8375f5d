"""What a command wants of a model, by which one is chosen where it names none."""

from typing import TYPE_CHECKING

from polyspec.catalog.task import ANYTHING, Task

if TYPE_CHECKING:
    from polyspec.settings import Settings

STORY = Task(is_general=True)


def describe_task(settings: "Settings", sample: str = "") -> Task:
    """What is wanted for a translation; anything where the settings name a model.

    Args:
        settings: With the target language.
        sample: The beginning of the text, by which its language is told where the
            settings do not name it.

    Raises:
        UsageError: A language is not known.
    """
    if settings.model is not None:
        return ANYTHING
    from polyspec.detection import AUTO, choose_source
    from polyspec.drafting.compose import name_of_draft_model
    from polyspec.languages import find_language

    source = None
    if settings.from_ != AUTO:
        source = find_language(settings.from_).code
    elif sample.strip():
        source = choose_source(sample).language.code
    target = find_language(settings.to).code if settings.to else None
    # One that only translates follows no glossary, and has no draft model.
    has_draft_model = name_of_draft_model(settings.draft) is not None
    is_general = bool(settings.glossary) or has_draft_model
    return Task(source, target, is_general=is_general)
