"""Keys, each with a name by which the user can change it, and a sentence."""

from textual.binding import Binding


def bind(
    keys: str,
    action: str,
    label: str,
    about: str,
    name: str,
    *,
    show: bool = True,
    priority: bool = False,
) -> Binding:
    """A key for the footer, the palette, the help and the user's keymap.

    Args:
        keys: One or more, with commas between.
        action: What is called.
        label: One or two words for the footer.
        about: What it does, for help and palette.
        name: The id in a keymap, for example `translate.swap`.
        show: Whether the footer has it.
        priority: Whether it comes before the keys of what has the focus.
    """
    return Binding(
        keys, action, label, show=show, priority=priority, tooltip=about, id=name
    )
