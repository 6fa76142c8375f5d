import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.documents.interfaces import CodeKind, Content, InlineCode, tidy_content
from polyspec.documents.protection import (
    MARKER,
    cut_at_markers,
    find_faults,
    protect,
    restore,
)

BOLD, PLAIN = InlineCode("**", CodeKind.OPEN), InlineCode("**", CodeKind.CLOSE)
BREAK = InlineCode("<br/>")
NAME = InlineCode('<x id="1"/>', CodeKind.PLACEHOLDER)

texts = st.text(
    st.sampled_from("ab 1<>/{}%s$`&;x@.\n:") | st.characters(exclude_categories=["Cs"])
)
codes = st.builds(
    InlineCode, st.sampled_from(["**", "<a>", "\\N"]), st.sampled_from(list(CodeKind))
)
contents = st.lists(texts | codes, max_size=8).map(tuple)


@given(contents)
def test_an_untouched_text_restores_the_content(content: Content) -> None:
    protected = protect(content)
    assert restore(protected.text, protected) == tidy_content(content)
    assert find_faults(protected.text, protected) == ()


@given(contents)
def test_every_marker_is_known_and_stands_once(content: Content) -> None:
    protected = protect(content)
    markers = [match.group() for match in MARKER.finditer(protected.text)]
    assert sorted(markers) == sorted(protected.originals)
    assert "".join(cut_at_markers(protected.text)) == protected.text


@given(contents, st.data())
def test_a_lost_doubled_or_invented_marker_is_a_fault(
    content: Content, data: st.DataObject
) -> None:
    protected = protect(content)
    assert find_faults(f"{protected.text}<99999/>", protected)
    if protected.originals:
        marker = data.draw(st.sampled_from(sorted(protected.originals)))
        assert find_faults(protected.text.replace(marker, ""), protected)
        assert find_faults(f"{protected.text}{marker}", protected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello %s, you are %(age)d", "Hello <1/>, you are <2/>"),
        ("Save ${total} of {count}", "Save <1/> of <2/>"),
        ("100% of 50%ige, 5 % der", "100% of 50%ige, 5 % der"),
        ("%d%% of %1$s", "<1/><2/> of <3/>"),
        ("a <b>bold</b> word", "a <1>bold</1> word"),
        ("one<br>two <i>open", "one<1/>two <2/>open"),
        ("see https://a.b/c?d=e. Now", "see <1/>. Now"),
        ("write to me@example.org!", "write to <1/>!"),
        ("run `ls -l` &amp; wait", "run <1/> <2/> wait"),
        ("a <1> in the text", "a <1/> in the text"),
        ("{{ user }} and %{who} and {0:.2f}", "<1/> and <2/> and <3/>"),
        ("costs $5 or {some words}", "costs $5 or {some words}"),
        (":ref:`guide <x>` and ``x``", "<1/> and <2/>"),
        ("%name% has {n, number} and %@", "<1/> has <2/> and <3/>"),
    ],
)
def test_what_is_no_prose_gets_a_marker(text: str, expected: str) -> None:
    assert protect((text,)).text == expected


def test_markup_around_the_whole_is_left_out() -> None:
    protected = protect((BREAK, " ", BOLD, "All bold", PLAIN, " "))
    assert protected.text == "All bold"
    assert restore("Tout", protected) == (BREAK, " ", BOLD, "Tout", PLAIN, " ")


def test_a_pair_that_ends_early_stays_inside() -> None:
    assert protect((BOLD, "Bold", PLAIN, " text")).text == "<1>Bold</1> text"


def test_a_placeholder_at_the_edge_stays_inside() -> None:
    assert protect((NAME, " files")).text == "<1/> files"


def test_markers_may_move_but_must_nest() -> None:
    protected = protect(("a ", BOLD, "b ", BOLD, "c", PLAIN, PLAIN, " d"))
    assert protected.text == "a <1>b <2>c</2></1> d"
    assert find_faults("<1><2>c</2> b</1> a d", protected) == ()
    assert find_faults("<1><2>c</1> b</2> a d", protected)
    assert find_faults("</1>a<1><2>c</2>", protected)


def test_codes_beside_one_another_share_a_marker() -> None:
    content = ("a ", BOLD, BOLD, "b", PLAIN, PLAIN, " c ", BREAK, BREAK, "d")
    protected = protect(content)
    assert protected.text == "a <1>b</1> c <2/>d"
    assert restore(protected.text, protected) == content


def test_pairs_that_end_apart_have_markers_of_their_own() -> None:
    content = (BOLD, BOLD, "a", PLAIN, " b", PLAIN, " c")
    assert protect(content).text == "<1><2>a</2> b</1> c"


def test_a_text_without_letters_has_no_prose() -> None:
    assert not protect(("%s: ", NAME)).has_prose
    assert protect(("%s: a",)).has_prose
