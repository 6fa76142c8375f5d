"""The adapter that ships, and what the catalogue says of it."""

from polyspec.catalog.adapters import BASE_KEY, PROFILE_KEY, is_adapter
from polyspec.catalog.hashing import hash_file
from polyspec.catalog.manifest import read_catalogue
from polyspec.gguf_header import read_gguf_header
from polyspec.paths import shipped_models_dir

NAME = "gemma-3-270m-translate"
MOST_BYTES = 16_000_000


def test_the_catalogue_knows_the_very_file() -> None:
    entry = read_catalogue().find(NAME)
    assert entry is not None
    path = shipped_models_dir() / entry.file
    assert path.stat().st_size == entry.size_bytes
    assert path.stat().st_size <= MOST_BYTES
    assert hash_file(path) == entry.sha256
    header = read_gguf_header(path)
    assert is_adapter(header)
    assert header.text(BASE_KEY) == entry.base
    assert header.text(PROFILE_KEY) == entry.prompt_profile


def test_it_says_where_it_comes_from() -> None:
    header = read_gguf_header(shipped_models_dir() / f"{NAME}.gguf")
    assert header.text("general.license.name") == "Gemma Terms of Use"
    for key in ("corpus", "languages", "figures"):
        assert header.text(f"polyspec.adapter.{key}")
    runs = header.text("polyspec.adapter.start") or ""
    assert runs.count("steps: ") == runs.count("seed: ") > 1
    for key in ("objective", "steps", "seed"):
        assert header.text(f"polyspec.adapter.{key}")


def test_the_folder_stays_small() -> None:
    sizes = [path.stat().st_size for path in shipped_models_dir().rglob("*")]
    assert sum(sizes) < 24_000_000
