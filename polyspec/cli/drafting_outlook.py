"""What the router expects of drafting with one model on this machine."""

from collections.abc import Iterator

from polyspec.catalog.adapters import read_base_header
from polyspec.catalog.store import default_model, find_model
from polyspec.drafting.expectations import drafted_share, shipped_gains
from polyspec.drafting.router import LEAST_GAIN
from polyspec.engine.ladder import LadderCache
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.paths import cache_dir

_TASKS = {"translate": "translations", "story": "stories"}


def describe_outlook(model: str | None) -> Iterator[tuple[str, str]]:
    """Yield a name and a line for each thing there is to say.

    Args:
        model: What the settings name; otherwise the one that is used by default.

    Raises:
        ModelError: There is no such model, or it is damaged.
    """
    path = find_model(model) if model else default_model()
    header = read_base_header(path)
    cost = LadderCache(cache_dir() / "ladders").latest(header, path.stem)
    if cost is None:
        yield "step costs", f"not measured yet: the first run of {path.stem} does it"
        return
    share = drafted_share(cost)
    yield "step costs", f"a drafted token adds {share:.0%} of a step of {path.stem}"
    fingerprint = tokenizer_fingerprint(header)
    for task, name in _TASKS.items():
        promised = shipped_gains().best(fingerprint, task, share)
        yield name, _describe_promises(promised)


def _describe_promises(promised: dict[str, float]) -> str:
    """For example `pays for chr 1.33, amh 1.10; rests for 25 other languages`."""
    if not promised:
        return "no table was measured with this tokenizer: what is seen here decides"
    paying = {code: gain for code, gain in promised.items() if gain >= LEAST_GAIN}
    ranked = sorted(paying.items(), key=lambda pair: -pair[1])
    shown = ", ".join(f"{code} {gain:.2f}" for code, gain in ranked) or "no language"
    num_others = len(promised) - len(paying)
    rest = f"; tables rest for {num_others} others" if num_others else ""
    return f"tables pay for {shown}{rest}"
