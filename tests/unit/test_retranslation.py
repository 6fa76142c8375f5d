"""Translating a document again, with and without the memory of its first version."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from polyspec.benchmarks import retranslation
from polyspec.benchmarks.retranslation import make_revision, measure_retranslation
from polyspec.decoding.feedback import Feedback
from polyspec.drafting.compose import Drafting
from polyspec.loading import Loaded
from polyspec.prompting.profiles import TRANSLATEGEMMA
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.translator import Translator
from polyspec.translator.user_assets import UserAssets
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeTranslator

LINES = tuple(f"Bread{n} and cake{n} are sold{n} here." for n in range(10))


class ClosableCompleter(FakeCompleter):
    def close(self) -> None:
        pass


@pytest.mark.parametrize(("share", "number"), [(0.0, 0), (0.2, 2), (0.5, 5), (1.0, 10)])
def test_a_share_of_the_lines_has_another_word(share: float, number: int) -> None:
    revision = make_revision(LINES, share)
    assert revision.before == LINES
    assert revision.num_changed == number
    assert revision == make_revision(LINES, share)
    for old, new in zip(revision.before, revision.after, strict=True):
        changed = [a != b for a, b in zip(old.split(), new.split(), strict=True)]
        assert sum(changed) <= 1


def test_lines_that_did_not_change_are_not_translated_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def make_translator(settings: Settings, loaded: Loaded, folder: Path) -> Translator:
        completer = ClosableCompleter(
            answer=lambda text: asked[-1].append(text) or text.upper()  # type: ignore[func-returns-value]
        )
        asked.append([])
        assets = UserAssets(settings, pytest.fail, folder)
        return FakeTranslator(
            settings,
            loaded,
            cast(Session, completer),
            Drafting("none", Feedback()),
            1,
            assets=assets,
        )

    monkeypatch.setattr(retranslation, "make_translator", make_translator)
    loaded = cast(Loaded, SimpleNamespace(profile=TRANSLATEGEMMA))
    told: list[str] = []
    report: Callable[[str], None] = told.append
    drafts, reuse = measure_retranslation(
        loaded, Settings(to="de"), make_revision(LINES, 0.2), report, repeats=2
    )
    assert [len(texts) for texts in asked] == [10, 10, 10, 2, 10, 10, 2]
    assert (drafts.use, drafts.kept, drafts.like_plain) == ("drafts", 1.0, 1.0)
    assert (reuse.use, reuse.kept, reuse.num_changed) == ("reuse", 1.0, 2)
    assert drafts.num_flagged == reuse.num_flagged == 0
    assert reuse.as_fields()["speedup"] == round(reuse.speedup, 3)
    assert len(told) == 7


def test_lines_that_were_flagged_are_counted_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make_translator(settings: Settings, loaded: Loaded, folder: Path) -> Translator:
        # The third line comes back as it is, which is no translation.
        completer = ClosableCompleter(
            answer=lambda text: text if "cake2" in text else text.upper()
        )
        return FakeTranslator(
            settings,
            loaded,
            cast(Session, completer),
            Drafting("none", Feedback()),
            1,
            assets=UserAssets(settings, pytest.fail, folder),
        )

    monkeypatch.setattr(retranslation, "make_translator", make_translator)
    loaded = cast(Loaded, SimpleNamespace(profile=TRANSLATEGEMMA))
    rows = measure_retranslation(
        loaded, Settings(to="de"), make_revision(LINES, 0.2), lambda _: None
    )
    assert [(row.kept, row.num_flagged) for row in rows] == [(1.0, 1), (1.0, 1)]
