"""What each format reads as a text, and how it writes a translation."""

import io
from pathlib import Path

import pytest

from polyspec.documents.interfaces import Content, ReadOptions, Segment
from polyspec.documents.protection import protect, restore
from polyspec.documents.registry import open_document
from polyspec.errors import UsageError

OPTIONS = ReadOptions(source_tag="en", target_tag="fr")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(
    folder: Path,
    name: str,
    text: str,
    answers: dict[str, str] | None = None,
    options: ReadOptions = OPTIONS,
) -> str:
    """Write a document where each text with markers is looked up, or put in capitals."""
    path = folder / name
    path.write_bytes(text.encode())

    def answer(segment: Segment) -> Content:
        protected = protect(segment.content)
        new = (answers or {}).get(protected.text, protected.text.upper())
        return restore(new, protected)

    output = io.BytesIO()
    open_document(path, options).write(output, answer)
    return output.getvalue().decode()


def read(
    folder: Path, name: str, text: str, options: ReadOptions = OPTIONS
) -> list[str]:
    """The texts of a document with markers, as a model sees them."""
    path = folder / name
    path.write_bytes(text.encode())
    segments = open_document(path, options).segments()
    return [protect(segment.content).text for segment in segments]


def notes(folder: Path, name: str, text: str) -> list[tuple[str, str]]:
    path = folder / name
    path.write_bytes(text.encode())
    segments = open_document(path, OPTIONS).segments()
    return [(segment.note.key, segment.note.comment) for segment in segments]


# gettext PO

FUZZY = """\
#. Shown at the top
#: a.c:1
#, fuzzy, c-format
#| msgid "old %s"
msgctxt "menu"
msgid "new %s"
msgstr "ancien %s"
"""
PLURAL = """\
msgid "%d file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""
msgstr[2] ""
"""


def test_a_fuzzy_message_loses_its_mark_and_what_it_was(folder: Path) -> None:
    assert notes(folder, "a.po", FUZZY) == [("menu", "Shown at the top")]
    assert write(folder, "a.po", FUZZY) == (
        "#. Shown at the top\n#: a.c:1\n#, c-format\n"
        'msgctxt "menu"\nmsgid "new %s"\nmsgstr "NEW %s"\n'
    )


def test_each_plural_form_has_its_source(folder: Path) -> None:
    assert read(folder, "a.po", PLURAL) == ["<1/> file", "<1/> files", "<1/> files"]
    assert 'msgstr[0] "%d FILE"\nmsgstr[1] "%d FILES"' in write(folder, "a.po", PLURAL)


def test_a_translated_message_is_left_alone(folder: Path) -> None:
    text = 'msgid "a"\nmsgstr "b"\n\n#~ msgid "old"\n#~ msgstr "x"\n'
    assert read(folder, "a.po", text) == []
    assert write(folder, "a.po", text) == text


def test_long_and_broken_messages_are_wrapped_as_gettext_does(folder: Path) -> None:
    text = 'msgid "one\\ntwo \\"q\\""\nmsgstr ""\n'
    assert write(folder, "a.po", text) == (
        'msgid "one\\ntwo \\"q\\""\nmsgstr ""\n"ONE\\n"\n"TWO \\"Q\\""\n'
    )
    words = "word " * 30
    written = write(folder, "a.po", f'msgid "{words}"\nmsgstr ""\n')
    assert all(len(line) <= 79 for line in written.split("\n")[1:])
    assert read(folder, "b.po", written, ReadOptions(has_redo=True)) == [words.strip()]


# Subtitles

CUE = "1\n00:00:01,000 --> 00:00:02,000 X1:1\n{}\n"


@pytest.mark.parametrize(
    ("lines", "texts", "expected"),
    [
        ("Hello there,\nhow are you?", ["Hello there, how are you?"],
         "HELLO THERE,\nHOW ARE YOU?"),
        ("- Hi.\n- Oh, you.", ["- Hi.", "- Oh, you."], "- HI.\n- OH, YOU."),
        ("<i>One\ntwo</i>", ["One two"], "<i>ONE\nTWO</i>"),
        ("{\\an8}Up", ["Up"], "{\\an8}UP"),
    ],
)  # fmt: skip
def test_the_lines_of_a_cue_are_one_text(
    lines: str, texts: list[str], expected: str, folder: Path
) -> None:
    assert read(folder, "a.srt", CUE.format(lines)) == texts
    assert write(folder, "a.srt", CUE.format(lines)) == CUE.format(expected)


def test_lines_without_spaces_are_cut_between_characters(folder: Path) -> None:
    text = CUE.format("Hello there,\nhow are you?")
    answers = {"Hello there, how are you?": "你好，你今天怎么样？"}
    assert write(folder, "a.srt", text, answers).split("\n")[2:4] == [
        "你好，你今",
        "天怎么样？",
    ]


def test_a_blank_line_inside_a_cue_loses_no_text(folder: Path) -> None:
    text = CUE.format("one\n\ntwo")
    assert read(folder, "a.srt", text) == ["one", "two"]


def test_notes_and_styles_of_webvtt_stay(folder: Path) -> None:
    text = (
        "WEBVTT - title\n\nNOTE a note\n\nSTYLE\n::cue {}\n\n"
        "intro\n00:01.000 --> 00:02.000 line:0\n<v Ann>Tom &amp; I\n"
    )
    assert read(folder, "a.vtt", text) == ["Tom & I"]
    assert write(folder, "a.vtt", text) == text.replace("Tom", "TOM")


def test_only_the_text_of_a_dialogue_changes(folder: Path) -> None:
    text = (
        "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Text\n"
        "Comment: 0,0,0,no\nDialogue: 0,0,0,{\\i1}one,{\\i0}\\Ntwo\n"
        "Dialogue: 0,0,0,{\\p1}m 0 0 l 1 1\n"
    )
    assert read(folder, "a.ass", text) == ["one,<1/> two"]
    assert write(folder, "a.ass", text).count("ONE,{\\i0}\\NTWO") == 1


# Markdown

MARKDOWN = """\
---
title: A title
layout: page
---

Setext *one*
============

> quoted text that goes
> on and on [link](http://a.b "t")

1. 1986 was `code`
   next line
- [ ] task

```sh
code
```

| a \\| b | `c` |
|---|:-:|
| cell | 42 |

<div title="tip">
<p>html &amp; more</p>
</div>

[ref]: http://x.y
See [ref] and ![alt](i.png) <http://auto.link> end\\*.
"""


def test_markdown_is_split_into_its_texts(folder: Path) -> None:
    assert read(folder, "a.md", MARKDOWN) == [
        "A title",
        "Setext <1>one</1>",
        "quoted text that goes on and on <1>link</1>",
        "1986 was <1/> next line",
        "task",
        "a | b",
        "<1/>",
        "cell",
        "42",
        "tip",
        "html & more",
        "See <1>ref</1> and <2>alt</2> <3/> end*.",
    ]


def test_markdown_keeps_its_structure(folder: Path) -> None:
    written = write(folder, "a.md", MARKDOWN)
    for line in (
        "title: A TITLE\nlayout: page",
        "SETEXT *ONE*\n====",
        "> QUOTED TEXT THAT GOES ON AND ON [LINK](http://a.b",
        "1. 1986 WAS `code`\n   NEXT LINE\n- [ ] TASK",
        "```sh\ncode\n```",
        "| A \\| B | `c` |\n|---|:-:|\n| CELL | 42 |",
        '<div title="TIP">\n<p>HTML &amp; MORE</p>',
        "SEE [REF][ref] AND ![ALT](i.png) <http://auto.link> END\\*.",
    ):
        assert line in written


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("- not a list", "\\- not a list"),
        ("1986. war", "1986\\. war"),
        ("# five", "\\# five"),
        ("2 * 3 snake_case _x_", "2 \\* 3 snake_case \\_x\\_"),
        ("a <b> c", "a \\<b> c"),
    ],
)
def test_a_translation_does_not_become_markup(
    answer: str, written: str, folder: Path
) -> None:
    assert write(folder, "a.md", "some text\n", {"some text": answer}) == f"{written}\n"


# HTML


def test_sentences_of_html_stay_whole(folder: Path) -> None:
    text = (
        "<!doctype html><title>T</title><p>One <b>bold <i>deep</i></b> "
        '<img src="x" alt="a picture"> <code>x = 1</code>.</p>'
        '<script>var a = "text";</script><p translate="no">fixed</p>'
        '<input placeholder="type here"><p>A&nbsp;B &copy; <!-- c --></p>'
    )
    path = folder / "a.html"
    path.write_text(text)
    found = [
        protect(segment.content).text for segment in open_document(path).segments()
    ]
    assert found == [
        "T",
        "One <1>bold <2>deep</2></1> <3/> <4/>.",
        "a picture",
        "type here",
        "A\xa0B ©",
    ]
    written = write(folder, "a.html", text)
    assert 'alt="A PICTURE"> <code>x = 1</code>.</p>' in written
    assert '<p translate="no">fixed</p><input placeholder="TYPE HERE">' in written
    assert "<p>A&nbsp;B © <!-- c --></p>" in written or "A&nbsp;B &copy;" in written


# Values with keys


def test_json_values_are_translated_and_metadata_is_not(folder: Path) -> None:
    text = '{"@@locale": "en", "a": ["x y", 1, null], "@a": {"d": "e"}, "u": "\\u00e9t\\u00e9"}'
    assert write(folder, "a.json", text) == (
        '{"@@locale": "en", "a": ["X Y", 1, null], "@a": {"d": "e"}, "u": "\\u00c9T\\u00c9"}'
    )
    assert notes(folder, "a.json", text)[0] == ("a.0", "")


def test_the_branches_of_an_icu_message_are_texts(folder: Path) -> None:
    message = (
        "Hi {name}, {n, plural, =0 {nothing} one {# file's lost} "
        "other {# files in {where, select, home {your home} other {{where}}}}}!"
    )
    assert read(folder, "a.json", f'["{message}"]') == [
        "Hi <1/>, <2/>!",
        "nothing",
        "<1/> file's lost",
        "<1/> files in <2/>",
        "your home",
        "<1/>",
    ]
    assert write(folder, "a.json", f'["{message}"]') == (
        "[\"HI {name}, {n, plural, =0 {NOTHING} one {# FILE'S LOST} "
        'other {# FILES IN {where, select, home {YOUR HOME} other {{where}}}}}!"]'
    )
    assert write(folder, "a.yaml", f'm: "{message}"\n').startswith('m: "HI {name}, {n')


def test_an_apostrophe_does_not_quote_an_icu_argument(folder: Path) -> None:
    text = '["the {n, select, other {x y}} of it"]'
    answers = {"the <1/> of it": "l'<1/>", "x y": "d'#"}
    written = write(folder, "a.json", text, answers)
    assert written == "[\"l''{n, select, other {d''#}}\"]"


def test_a_broken_icu_message_is_one_text(folder: Path) -> None:
    text = '["the {n, plural, one {x y} of it"]'
    assert len(read(folder, "a.json", text)) == 1
    assert write(folder, "a.json", text, {}).startswith('["THE ')


YAML = """\
a: plain text # note
b: 'it''s'
c: "q \\" x"
d: |
  line one
    indented
  line two

e: >-
  folded
  text
f: yes
g: &x anchored
h: *x
i: [one, {k: two}]
j: 12
"""


def test_yaml_values_keep_their_style(folder: Path) -> None:
    assert write(folder, "a.yaml", YAML) == (
        "a: PLAIN TEXT # note\nb: 'IT''S'\nc: \"Q \\\" X\"\n"
        "d: |\n  LINE ONE\n    INDENTED\n  LINE TWO\n\ne: >-\n  FOLDED TEXT\n"
        "f: yes\ng: &x ANCHORED\nh: *x\ni: [ONE, {k: TWO}]\nj: 12\n"
    )


@pytest.mark.parametrize(
    "answer", ["a: b", "- x", "true", "x #y", "*a", "", "@a", "'x"]
)
def test_a_plain_yaml_value_is_quoted_where_it_must_be(
    answer: str, folder: Path
) -> None:
    from ruamel.yaml import YAML as Loader

    written = write(folder, "a.yaml", "k: some text\n", {"some text": answer})
    assert Loader(typ="safe", pure=True).load(written) == {"k": answer}


def test_properties_keep_keys_comments_and_escapes(folder: Path) -> None:
    text = "# c\na.b = one \\\n  two\nkey\\ x:\\u00e9t\\u00e9\nm=can''t {0}\nn=1\n"
    assert read(folder, "a.properties", text) == ["one two", "été", "can't <1/>"]
    assert write(folder, "a.properties", text) == (
        "# c\na.b = ONE TWO\nkey\\ x:\\u00C9T\\u00C9\nm=CAN''T {0}\nn=1\n"
    )


def test_apple_strings_keep_keys_and_comments(folder: Path) -> None:
    text = '/* Title */\n"k e" = "one\\n\\"two\\" %@"; // x\nbare = "three";\n'
    assert notes(folder, "a.strings", text) == [("k e", "Title"), ("bare", "")]
    assert write(folder, "a.strings", text) == (
        '/* Title */\n"k e" = "ONE\\n\\"TWO\\" %@"; // x\nbare = "THREE";\n'
    )


def test_android_strings_have_their_own_escapes(folder: Path) -> None:
    text = (
        "<resources>\n<!-- A hint -->\n<string name='a'>it\\'s <b>%1$s</b>\n  here</string>\n"
        "<string name='b' translatable='false'>no</string>\n"
        '<plurals name="c"><item quantity="one">a day</item></plurals>\n'
        '<string name="d">"  kept  "</string><string name="e">@string/a</string>\n'
        "</resources>\n"
    )
    assert notes(folder, "s.xml", text)[:2] == [("a", "A hint"), ("c one", "")]
    written = write(folder, "s.xml", text)
    assert "<string name='a'>IT\\'S <b>%1$s</b> HERE</string>" in written
    assert '<item quantity="one">A DAY</item>' in written
    assert '"  KEPT  "</string><string name="e">@string/a</string>' in written


# Tables


def test_cells_keep_their_quotes(folder: Path) -> None:
    text = 'id,text,mail\r\n1,"a ""b"", c",x@y.z\r\n2,plain,"two\r\nlines"\r\n'
    assert write(folder, "a.csv", text) == (
        'ID,TEXT,MAIL\r\n1,"A ""B"", C",x@y.z\r\n2,PLAIN,"TWO\r\nLINES"\r\n'
    )
    options = ReadOptions(columns=("text",))
    assert read(folder, "a.csv", text, options) == ['a "b", c', "plain"]
    assert write(folder, "a.csv", text, {"plain": "a,b"}, options).endswith(
        '2,"a,b","two\r\nlines"\r\n'
    )


def test_quotes_inside_of_a_bare_cell_stay_bare(folder: Path) -> None:
    text = 'a\tthe "big" one\tplain\nb\t"quoted ""x"""\tend\n'
    assert write(folder, "a.tsv", text) == text.upper()
    # A quote at the start would open a cell in quotes; elsewhere RFC 4180 rules.
    changed = {'the "big" one': '"big" it is', "plain": 'so "plain"'}
    written = write(folder, "a.tsv", text, changed)
    assert '\t"""big"" it is"\t"so ""plain"""\n' in written


# Exchange formats

XLIFF = """\
<xliff version="1.2"><file source-language="en" target-language="fr"><body>
  <trans-unit id="u" maxwidth="9" size-unit="char">
    <source>Press <g id="1">the <x id="2"/> key</g></source>
    <note>A hint</note>
    <alt-trans><source>x</source><target>y</target></alt-trans>
  </trans-unit>
  <trans-unit id="v" translate="no"><source>no</source></trans-unit>
  <trans-unit id="w"><source>done</source><target>fait</target></trans-unit>
  <trans-unit id="n"><source>todo</source><target state="new">todo</target></trans-unit>
</body></file></xliff>
"""


def test_xliff_gets_its_missing_targets(folder: Path) -> None:
    assert read(folder, "a.xlf", XLIFF) == ["Press <1>the <2/> key</1>", "todo"]
    written = write(folder, "a.xlf", XLIFF)
    assert (
        '</source>\n    <target>PRESS <g id="1">THE <x id="2"/> KEY</g></target>\n'
    ) in written
    assert '<source>todo</source><target state="translated">TODO</target>' in written
    path = folder / "b.xlf"
    path.write_text(XLIFF)
    note = next(iter(open_document(path, OPTIONS).segments())).note
    assert (note.key, note.comment, note.max_chars) == ("u", "A hint", 9)


def test_xliff_2_sets_the_state_of_a_segment(folder: Path) -> None:
    text = (
        '<xliff version="2.0"><file id="f"><unit id="u"><segment state="initial">'
        '<source>One <pc id="1">two</pc></source></segment>'
        "<segment><source>three</source><target/></segment></unit></file></xliff>"
    )
    assert write(folder, "a.xlf", text) == (
        '<xliff version="2.0"><file id="f"><unit id="u"><segment state="translated">'
        '<source>One <pc id="1">two</pc></source><target>ONE <pc id="1">TWO</pc></target>'
        "</segment><segment><source>three</source><target>THREE</target></segment>"
        "</unit></file></xliff>"
    )


def test_tmx_gets_a_variant_in_the_target_language(folder: Path) -> None:
    text = (
        '<tmx version="1.4"><header srclang="en-GB"/><body><tu>\n'
        '  <tuv xml:lang="en"><seg>One <ph>x</ph></seg></tuv>\n'
        '  <tuv xml:lang="de"><seg>Eins</seg></tuv>\n</tu></body></tmx>'
    )
    written = write(folder, "a.tmx", text)
    assert (
        "<seg>Eins</seg></tuv>\n"
        '  <tuv xml:lang="fr"><seg>ONE <ph>x</ph></seg></tuv>\n</tu>'
    ) in written
    with pytest.raises(UsageError):
        read(folder, "a.tmx", text, ReadOptions())
