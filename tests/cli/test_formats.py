"""`polyspec formats`: what it lists, and that the page of the formats agrees."""

import json
from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.documents.registry import all_formats

PAGE = Path(__file__).resolve().parents[2] / "docs" / "documents.md"


def test_every_format_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["formats"]) == 0
    out = capsys.readouterr().out
    for known in all_formats():
        assert known.title in out
        assert known.limits in out


def test_json_has_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["formats", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == [known.name for known in all_formats()]
    assert all(row["extensions"] and row["limits"] for row in rows)


def test_the_page_has_the_format_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for known in all_formats():
        extensions = " ".join(f"`{extension}`" for extension in known.extensions)
        streamed = "yes" if known.is_streamed else "no"
        row = f"| `{known.name}` | {known.title} | {extensions} | {streamed} | {known.limits} |"
        assert row in page
