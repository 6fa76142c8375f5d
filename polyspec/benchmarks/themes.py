"""200 themes for stories, written for PolySpec: an adjective and a noun each.

None is among those that `polyspec tables distill` lets a model write on, so that what
was built from its stories is judged on others. The form is that of "Speculative
Decoding Across Languages", arXiv 2605.30580.
"""

_ADJECTIVES = (
    *("humble", "fearless", "lazy", "greedy", "shy", "loyal", "merry", "sly"),
    *("thirsty", "barefoot", "blind", "giant", "crowned", "lame", "winged", "tame"),
    *("haunted", "buried", "burning", "flooded", "walled", "empty", "crowded"),
    *("cracked", "rusty", "woven", "carved", "glass", "copper", "striped", "scarlet"),
    *("muddy", "snowy", "moonlit", "misty", "southern", "distant", "narrow"),
    *("accidental", "final", "impossible", "midnight", "public", "sudden", "quiet"),
    *("sweet", "heavy", "forbidden", "missing", "second"),
)
_NOUNS = (
    *("potter", "midwife", "judge", "ferryman", "gardener", "orphan", "miller"),
    *("widow", "drummer", "captain", "beekeeper", "tailor", "uncle", "hunter"),
    *("cat", "horse", "owl", "frog", "bear", "wolf", "hen", "ant", "camel", "whale"),
    *("ring", "ladder", "basket", "candle", "book", "coin", "needle", "door"),
    *("cave", "village", "lighthouse", "orchard", "road", "castle", "valley"),
    *("kitchen", "winter", "harvest", "contest", "riddle", "voyage", "dance"),
    *("bargain", "wish", "visitor", "birthday"),
)
_TURNS = (0, 9, 23, 38)

PAPER_THEMES = tuple(
    f"{adjective} {_NOUNS[(place + turn) % len(_NOUNS)]}"
    for turn in _TURNS
    for place, adjective in enumerate(_ADJECTIVES)
)
"""Always in the same order; the first are "humble potter" and "fearless midwife"."""
