import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import UsageError
from polyspec.languages import Language, find_language, known_languages

CODES = (
    "ber grn chr zgh que oci npi yor haw ibo amh deu fra spa ita por nld pol ukr "
    "rus tur ara hin zho jpn kor eng"
)


def test_the_languages_with_data_are_known_in_order() -> None:
    assert " ".join(language.code for language in known_languages()) == CODES


@pytest.mark.parametrize("language", known_languages(), ids=lambda item: item.code)
def test_a_known_language_is_found_by_each_of_its_names(language: Language) -> None:
    names = (language.code, language.tag, language.name, language.native_name)
    for name in names:
        assert find_language(name) == language
        assert find_language(f"  {name.upper()} ") == language


@pytest.mark.parametrize(
    ("query", "code", "tag"),
    [
        ("kab", "ber", "kab"),
        ("nep", "npi", "ne"),
        ("cmn", "zho", "zh"),
        ("arb", "ara", "ar"),
        ("quz", "que", "qu"),
        ("francais", "fra", "fr"),
        ("pt-BR", "por", "pt-BR"),
        ("pt_br", "por", "pt-BR"),
        ("zh-Hant", "zho", "zh-Hant"),
        ("sr-Latn", "srp", "sr-Latn"),
        ("Swahili", "swa", "sw"),
        ("ελληνικά", "ell", "el"),
        ("Klingon", "tlh", "tlh"),
        ("farsi", "fas", "fa"),
        ("yue", "yue", "yue"),
    ],
)
def test_other_codes_and_names_are_found(query: str, code: str, tag: str) -> None:
    language = find_language(query)
    assert (language.code, language.tag) == (code, tag)


def test_region_and_script_stay_in_the_name() -> None:
    assert find_language("pt-BR").name == "Portuguese (Brazil)"
    assert find_language("zh-Hant").name == "Chinese (Traditional)"
    assert find_language("zh-TW").script == "Hant"


def test_script_decides_direction_and_spaces() -> None:
    assert find_language("ara").is_rtl
    assert find_language("he").is_rtl
    assert not find_language("fra").is_rtl
    unspaced = [item.code for item in known_languages() if not item.is_spaced]
    assert unspaced == ["zho", "jpn"]
    assert not find_language("th").is_spaced


@pytest.mark.parametrize(
    "query",
    ["xx", "klingonn", "", "  ", "-", "und", "mul", "qaa", "en-XX", "\0", "x" * 5000],
)
def test_the_unknown_is_refused(query: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_language(query)
    assert caught.value.problem.startswith("unknown language")
    assert len(caught.value.problem) < 100
    assert "pt-BR" in caught.value.remedy


@pytest.mark.parametrize(
    ("query", "nearest"),
    [("frnech", "French (fra)"), ("klingonn", "Klingon (tlh)"), ("Hawaian", "(haw)")],
)
def test_the_nearest_are_named(query: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_language(query)
    assert nearest in caught.value.cause


@given(st.text(max_size=12))
def test_any_query_is_found_or_refused(query: str) -> None:
    try:
        language = find_language(query)
    except UsageError:
        return
    assert language.code
    assert find_language(language.tag).code == language.code


def test_importing_loads_no_language_data() -> None:
    code = (
        "import sys, polyspec.languages as l; l.find_language('fr');"
        "print([m for m in ('langcodes', 'language_data', 'rapidfuzz', 'numpy')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
