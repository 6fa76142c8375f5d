"""The keys of the Translate screen."""

from textual.binding import BindingType

from polyspec.tui.bindings import bind

TRANSLATE_KEYS: list[BindingType] = [
    bind("ctrl+t", "translate", "Translate", "Translate now", "translate.run"),
    bind("escape", "stop", "Stop", "Stop translating", "translate.stop"),
    bind(
        "ctrl+l",
        "pick(False)",
        "Into",
        "Pick the language to translate into",
        "translate.into",
    ),
    bind(
        "ctrl+g",
        "pick(True)",
        "From",
        "Pick the language of the text",
        "translate.from",
    ),
    bind(
        "ctrl+r",
        "swap",
        "Swap",
        "Exchange both languages and both texts",
        "translate.swap",
    ),
    bind("f9", "copy_target", "Copy", "Copy the translation", "translate.copy"),
    bind(
        "alt+c",
        "copy_source",
        "Copy source",
        "Copy the source text",
        "translate.copy-source",
        show=False,
    ),
    bind(
        "f8",
        "toggle_drafters",
        "Drafting",
        "Show or hide what drafting does",
        "translate.drafters",
    ),
    bind(
        "ctrl+o",
        "open_file",
        "Open",
        "Put a text file into the source pane",
        "translate.open",
        show=False,
    ),
    bind(
        "alt+e",
        "edit",
        "Editor",
        "Edit the source text in $EDITOR",
        "translate.editor",
        show=False,
    ),
    bind(
        "ctrl+n",
        "alternatives",
        "Others",
        "Other translations of the sentence under the cursor",
        "translate.others",
        show=False,
    ),
    bind(
        "ctrl+s",
        "keep",
        "Keep",
        "Keep what was corrected by hand in the memory",
        "translate.keep",
        show=False,
    ),
    bind(
        "alt+p",
        "plain_lines",
        "Plain lines",
        "Read the translation as plain lines, for scripts that panes break",
        "translate.plain",
        show=False,
    ),
]
