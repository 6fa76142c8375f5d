"""What `--trace` writes."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.cli import main
from polyspec.cli.trace_file import Trace, TracedText, make_json, make_page
from polyspec.prompting.interfaces import TracedToken
from tests.fakes_translator import FakeOpening

TEXTS = st.text(max_size=8)
TOKENS = st.lists(
    st.builds(
        TracedToken,
        TEXTS,
        st.sampled_from(("", "table", "<i>")),
        TEXTS,
        st.sampled_from(("", "history")),
    ),
    max_size=6,
)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    opening = FakeOpening()
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


class Page(HTMLParser):
    """The tags of a page, and the text of its main part."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href")]
        if tag == "main":
            self.text.clear()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def run(*arguments: str) -> int:
    return main.main(list(arguments))


def test_a_page_has_the_text_and_who_proposed_it(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.html"
    text = "A <tag> & more.\n\n12:30\n"
    (tmp_path / "in.txt").write_text(text, encoding="utf-8")
    source = str(tmp_path / "in.txt")
    assert run("translate", "--in", source, "--to", "fr", "--trace", str(path)) == 0
    assert capsys.readouterr().out == text.upper()
    page = path.read_text(encoding="utf-8")
    assert "A</span>" in page
    assert "&lt;TAG&gt;" not in page  # each character is a token of its own
    assert "&lt;" in page
    assert "<b>" not in page
    assert '<del title="table, rejected">&lt;b&gt;</del>' in page
    assert "history" in page
    shown = "".join(Page(page).text).replace("<b>", "")
    assert shown.strip() == text.upper().strip()


def test_json_has_the_same(fake: FakeOpening, tmp_path: Path) -> None:
    path = tmp_path / "trace.JSON"
    assert run("story", "--theme", "a lamp", "--trace", str(path)) == 0
    found = json.loads(path.read_bytes())
    assert found["format"] == 1
    assert found["drafters"] == "history"
    (text,) = found["texts"]
    assert {"text", "source", "rejected", "rejected_source"} == set(text["tokens"][0])
    joined = "".join(token["text"] for token in text["tokens"])
    assert joined == fake.completer.answer(joined)


def test_nothing_is_traced_unless_asked_for(fake: FakeOpening) -> None:
    assert run("translate", "hello", "--to", "fr") == 0
    assert not fake.completer.is_tracing


def test_another_kind_of_file_is_refused_before_anything_is_loaded(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["translate", "hi", "--to", "fr"], ["story", "--theme", "a"]):
        assert run(*command, "--trace", str(tmp_path / "trace.txt")) == 2
        assert "a trace ends in .html or .json" in capsys.readouterr().err
        assert run(*command, "--trace", str(tmp_path / "no" / "trace.html")) == 4
        assert "its folder does not exist" in capsys.readouterr().err
    assert fake.opened == []


@given(st.lists(st.builds(TracedText, TOKENS, TEXTS, TEXTS), max_size=3), TEXTS)
def test_any_text_makes_a_page_that_runs_nothing(
    texts: list[TracedText], drafters: str
) -> None:
    page = Page(make_page(Trace(True, texts, drafters)))
    assert not page.links
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "p", "span", "main", "del",
    }  # fmt: skip
    found = json.loads(make_json(Trace(True, texts, drafters)))
    assert [t["before"] for t in found["texts"]] == [t.before for t in texts]
