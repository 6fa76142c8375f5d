"""Adapters in the catalogue: found, refused, installed with what they change."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from polyspec.catalog import download
from polyspec.catalog.adapters import (
    BASE_KEY,
    TOKENIZER_KEY,
    find_base,
    is_adapter,
    read_base_header,
)
from polyspec.catalog.choice import choose_model
from polyspec.catalog.download import pull_model
from polyspec.catalog.manifest import Catalogue, LocalSource, parse_catalogue
from polyspec.catalog.store import find_installed, model_path
from polyspec.errors import ModelError
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from tests.catalog_fakes import Reporter, make_entry
from tests.gguf_files import STRING, VOCABULARY, gguf, scalar


def install(name: str, content: bytes) -> Path:
    path = model_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def make_adapter(**texts: str) -> bytes:
    fields = {"general.architecture": "gemma3", "general.type": "adapter", **texts}
    return gguf({key: scalar(STRING, text) for key, text in fields.items()})


MODEL = gguf({"general.architecture": scalar(STRING, "gemma3"), **VOCABULARY})


def test_an_adapter_leads_to_the_model_that_it_changes() -> None:
    base = install("tiny", MODEL)
    fingerprint = tokenizer_fingerprint(read_gguf_header(base))
    texts = {BASE_KEY: "tiny", TOKENIZER_KEY: fingerprint}
    adapter = install("tiny-translate", make_adapter(**texts))
    assert is_adapter(read_gguf_header(adapter))
    assert find_base(read_gguf_header(adapter)) == base
    assert read_base_header(adapter).path == base


def test_a_model_is_its_own_base() -> None:
    base = install("tiny", MODEL)
    assert not is_adapter(read_gguf_header(base))
    assert read_base_header(base).path == base


@pytest.mark.parametrize(
    ("texts", "problem", "remedy"),
    [
        ({}, "cannot be used", "polyspec train adapter"),
        ({BASE_KEY: "large"}, "without large", "polyspec models pull large"),
        ({BASE_KEY: "tiny", TOKENIZER_KEY: "another"}, "cannot be used with", "verify"),
    ],
)
def test_an_adapter_without_its_model_is_refused(
    texts: dict[str, str], problem: str, remedy: str
) -> None:
    install("tiny", MODEL)
    adapter = install("tiny-translate", make_adapter(**texts))
    with pytest.raises(ModelError) as caught:
        find_base(read_gguf_header(adapter))
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A model and an adapter for it, both beside the catalogue."""
    entries = []
    for name, content, base in (
        ("tiny-translate", make_adapter(**{BASE_KEY: "tiny"}), "tiny"),
        ("tiny", MODEL, None),
    ):
        (tmp_path / f"{name}.gguf").write_bytes(content)
        entry = make_entry(
            (LocalSource("local", f"{name}.gguf"),),
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
        )
        entries.append(replace(entry, name=name, base=base))
    found = Catalogue(1, tuple(entries))
    monkeypatch.setattr(download, "shipped_models_dir", lambda: tmp_path)
    monkeypatch.setattr("polyspec.catalog.store.read_catalogue", lambda: found)
    return found


def test_an_adapter_is_installed_with_its_model(catalogue: Catalogue) -> None:
    entry = catalogue.model[0]
    for _ in range(2):
        installed = pull_model(entry, Reporter())
        assert installed.name == "tiny-translate"
        assert find_installed("tiny") is not None
    assert read_base_header(installed.path).path == model_path("tiny")


def test_an_adapter_is_chosen_where_both_files_fit(catalogue: Catalogue) -> None:
    sizes = [entry.size_bytes or 0 for entry in catalogue.model]
    for free, expected in ((sum(sizes), "tiny-translate"), (max(sizes), "tiny")):
        choice = choose_model(
            catalogue, free_memory_bytes=1 << 30, free_disk_bytes=free
        )
        assert choice.entry.name == expected


def test_an_unknown_base_is_refused() -> None:
    text = """
    version = 1
    [[model]]
    name = "tiny-translate"
    file = "tiny-translate.gguf"
    verified = false
    role = "target"
    base = "tiny"
    tokenizer = "tiny"
    prompt_profile = "pairs"
    languages = "none"
    min_memory_bytes = 1
    licence = "Apache-2.0"
    licence_url = "https://example.org"
    sources = [{kind = "local", path = "tiny-translate.gguf"}]
    """
    with pytest.raises(ValueError, match="names an unknown base, tiny"):
        parse_catalogue(text)
