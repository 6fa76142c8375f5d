"""Amounts as people read them."""


def format_bytes(size_bytes: int | None) -> str:
    """A size in bytes, for example `1.1 GB`; a question mark where it is not known."""
    if size_bytes is None:
        return "?"
    for power, name in ((9, "GB"), (6, "MB"), (3, "kB")):
        if size_bytes >= 10**power:
            return f"{size_bytes / 10**power:.1f} {name}"
    return f"{size_bytes} B"
