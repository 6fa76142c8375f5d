"""The tables that come with the program are whole, few enough, and as listed."""

import re
from pathlib import Path

import pytest

from polyspec.drafting.expectations import GAINS_FILE, read_gains
from polyspec.languages import find_language
from polyspec.paths import shipped_tables_dir
from polyspec.tables.reader import Table
from polyspec.tables.store import table_name

FOLDER = shipped_tables_dir()
PATHS = sorted(FOLDER.glob("*.gguf"))
MANIFEST = (FOLDER / "MANIFEST.md").read_text("utf-8")
LISTED = {
    row.split(" | ")[0].strip("| "): int(row.split(" | ")[2])
    for row in MANIFEST.splitlines()
    if re.match(r"\| [a-z]{3}\.[0-9a-f]{12} ", row)
}


def test_all_languages_have_a_table_for_both_tokenizers() -> None:
    languages = [path.name.partition(".")[0] for path in PATHS]
    assert len(PATHS) == 54
    assert len(set(languages)) == 27
    assert all(languages.count(language) == 2 for language in languages)


def test_the_folder_is_light() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 28_000_000


def test_the_manifest_lists_what_there_is() -> None:
    assert {path.stem: path.stat().st_size for path in PATHS} == LISTED


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_table_is_intact_and_says_what_it_is(path: Path) -> None:
    with Table(path) as table:
        table.verify()
        info = table.info
    assert path.stem == table_name(info.language, info.fingerprint)
    assert find_language(info.language).code == info.language
    assert info.corpora
    for corpus in info.corpora:
        assert corpus.licence not in ("", "unknown")
        assert f"| {info.language} | {corpus.name} | {corpus.licence} |" in MANIFEST


def test_the_gains_of_every_table_were_measured() -> None:
    gains = read_gains(FOLDER / GAINS_FILE)
    names = {(path.stem, task) for path in PATHS for task in ("story", "translate")}
    measured = {
        (f"{language}.{tokenizer}", task)
        for tokenizer, language, task, drafter in gains.by_key
        if drafter == "table"
    }
    # There is no text of which English was held out.
    assert {name for name, _ in names - measured} == {
        path.stem for path in PATHS if path.stem.startswith("eng.")
    }
    # Where a drafted token costs nearly a step, nothing is drafted and nothing lost.
    assert all(min(values) > 0.98 for values in gains.by_key.values())
    assert all(values[-1] <= values[0] for values in gains.by_key.values())
