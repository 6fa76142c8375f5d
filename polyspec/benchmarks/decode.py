"""Plain against drafted decoding, step by step in turns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import cast

from polyspec.benchmarks.lanes import Lane, LaneMaker, Switch, Tally
from polyspec.benchmarks.records import (
    Head,
    Measured,
    Recording,
    append,
    open_recording,
)
from polyspec.benchmarks.suite import Group, Suite, make_requests
from polyspec.benchmarks.timing import complete, decode_in_turns
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.engine.target import LlamaTarget
from polyspec.errors import DocumentError, TableError
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.loading import Loaded, LoadedDraft
from polyspec.prompting.interfaces import Completed, CompletionRequest
from polyspec.session import Session

_WARM_UP_TOKENS = 8
_TEXTS_A_REPORT = 10


@dataclass(slots=True)
class DecodeRow:
    """One language, task and drafter."""

    language: str
    task: str
    drafter: str
    num_texts: int = 0
    num_tokens: int = 0
    num_chars: int = 0
    plain_s: float = 0.0
    drafted_s: float = 0.0
    num_drafted: int = 0
    num_accepted: int = 0
    num_steps: int = 0
    num_identical: int = 0
    plain_tokens: int = 0

    def add(self, text: Measured) -> None:
        """Count one text more."""
        self.num_texts += 1
        self.plain_s += text.plain_s
        self.drafted_s += text.drafted_s
        self.plain_tokens += text.plain_tokens
        self.num_tokens += len(text.output_ids)
        self.num_chars += text.num_chars
        self.num_steps += text.num_steps
        self.num_drafted += text.num_drafted
        self.num_accepted += text.num_accepted
        self.num_identical += text.is_identical

    @property
    def speedup(self) -> float:
        """Drafted tokens per second over plain tokens per second."""
        if not (self.plain_s and self.drafted_s and self.plain_tokens):
            return 1.0
        plain = self.plain_tokens / self.plain_s
        return (self.num_tokens / self.drafted_s) / plain

    def as_fields(self) -> dict[str, object]:
        """The row as the last line of the report gives it."""
        fields = asdict(self)
        for name in ("num_identical", "num_steps"):
            del fields[name]
        return fields | {
            "plain_s": round(self.plain_s, 4),
            "drafted_s": round(self.drafted_s, 4),
            "speedup": round(self.speedup, 4),
            "acceptance_rate": round(self.num_accepted / max(1, self.num_drafted), 4),
            "mean_acceptance_length": round(
                self.num_tokens / max(1, self.num_steps), 4
            ),
            "identical": round(self.num_identical / max(1, self.num_texts), 4),
        }


def run_decode(
    loaded: Loaded,
    suite: Suite,
    report: Callable[[str], None],
    record: Path | None = None,
    drafts: Mapping[str, LoadedDraft] | None = None,
) -> Iterator[DecodeRow]:
    """Measure as `run_suite` does; a row comes when it is complete."""
    for texts in run_suite(loaded, suite, report, record, drafts):
        row = DecodeRow(texts[0].language, texts[0].task, texts[0].drafter)
        for text in texts:
            row.add(text)
        yield row


def run_suite(
    loaded: Loaded,
    suite: Suite,
    report: Callable[[str], None],
    record: Path | None = None,
    drafts: Mapping[str, LoadedDraft] | None = None,
) -> Iterator[list[Measured]]:
    """Measure every language, task and drafter; yields the texts of one at a time.

    Each text is decoded plainly and with the drafters of its group, a step of each in
    turn, so that a machine whose speed wavers treats all alike.

    Args:
        loaded: The model.
        suite: What to measure.
        report: Told what is measured next, and what is left out.
        record: Keeps every text; those that it holds are not measured again.
        drafts: The draft models that are measured, by the names of their drafters.

    Raises:
        TableError: The only language has no table and one was asked for.
        UsageError: The file records another run.
        DocumentError: Pairs cannot be read, or the record not written.
    """
    known = None
    if record is not None:
        known = open_recording(record, _make_head(loaded, suite))
    with ExitStack() as stack:
        memory_dir = None
        if suite.is_in_turns:
            # Those who take turns are compared as they ship, and `auto` remembers.
            memory_dir = Path(stack.enter_context(TemporaryDirectory()))
        maker = LaneMaker(loaded, suite, drafts or {}, report, memory_dir)
        bench = stack.enter_context(closing(_Bench(loaded, suite, maker)))
        for place, group in enumerate(suite.groups, start=1):
            rows = _known_rows(group, known, report)
            missing = [name for name in group.drafters if name not in rows]
            if missing:
                rest = replace(group, drafters=tuple(missing))
                report(f"{place} of {len(suite.groups)}: {_name(rest)}")
                measured = bench.measure(rest, report)
                if record is not None:
                    append(record, [text for row in measured.values() for text in row])
                rows |= measured
            yield from (rows[name] for name in group.drafters if name in rows)


def _known_rows(
    group: Group, known: Recording | None, report: Callable[[str], None]
) -> dict[str, list[Measured]]:
    """The rows of a group that a recording holds, by drafter."""
    rows: dict[str, list[Measured]] = {}
    if known is None:
        return rows
    for name in group.drafters:
        texts = known.group(name, group.language.code, group.task)
        if texts:
            report(f"{_name(group, name)}: already measured")
            rows[name] = texts
    return rows


def _name(group: Group, *drafters: str) -> str:
    """Example: `fra translate none, table`."""
    names = ", ".join(drafters or group.drafters)
    return f"{group.language.code} {group.task} {names}"


def _make_head(loaded: Loaded, suite: Suite) -> Head:
    return Head(
        loaded.model.path.stem,
        tokenizer_fingerprint(loaded.model.header),
        suite.as_settings(),
        loaded.step_cost.every_width(),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A context with its session, and the switch that sets who drafts there."""

    session: Session
    switch: Switch


class _Way:
    """A lane, and what decoding one text with it gave, each time anew."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._seconds: list[float] = []
        self._prompt_s: list[float] = []
        self.tally = Tally()

    @property
    def seconds(self) -> float:
        """Mean of all times."""
        return fmean(self._seconds)

    @property
    def prompt_s(self) -> float:
        """Of them, up to the first token."""
        return fmean(self._prompt_s)

    def enter(self, switch: Switch) -> None:
        """Take a session over for the next text."""
        self.tally = switch.use(self._lane)

    def count(self, answer: Completed, elapsed_s: float) -> None:
        """Count the text that was decoded last."""
        self.last = answer
        self._seconds.append(elapsed_s)
        self._prompt_s.append(self.tally.prompt_s)


class _Bench:
    """One model with a context for every way of decoding that takes its turn."""

    def __init__(self, loaded: Loaded, suite: Suite, maker: LaneMaker) -> None:
        self._loaded = loaded
        self._suite = suite
        self._maker = maker
        policy = DraftPolicy(loaded.step_cost, is_exact=suite.is_exact, max_drafted=0)
        self._plain = Lane(None, policy)
        self._stack = ExitStack()
        self._targets = [loaded.target]

    def close(self) -> None:
        """Free the contexts."""
        self._stack.close()

    def measure(
        self, group: Group, report: Callable[[str], None]
    ) -> dict[str, list[Measured]]:
        """Measure drafters in turns; those for which the language lacks data are left.

        Raises:
            TableError: It lacks them for the only drafter, and no other is measured.
            DocumentError: The pairs cannot be read.
        """
        lanes = self._make_lanes(group, report)
        if not lanes:
            return {}
        texts: dict[str, list[Measured]] = {name: [] for name in lanes}
        with ExitStack() as stack:
            places = [
                self._make_place(target, stack)
                for target in self._make_targets(1 + len(lanes))
            ]
            for text in self._measure_all(places, lanes, group, report):
                texts[text.drafter].append(text)
        for lane in lanes.values():
            lane.close()
        return texts

    def _make_targets(self, count: int) -> list[LlamaTarget]:
        while len(self._targets) < count:
            sibling = self._loaded.target.make_sibling()
            self._targets.append(self._stack.enter_context(closing(sibling)))
        return self._targets[:count]

    def _make_place(self, target: LlamaTarget, stack: ExitStack) -> _Place:
        switch = Switch(self._plain, self._suite.is_exact)
        session = Session(
            target,
            self._loaded.model.tokenizer,
            switch,
            # A scheduler asks no more of its policy than the switch has.
            cast(DraftPolicy, switch),
            max_sequences=1,
            announce=switch.announce,
        )
        return _Place(stack.enter_context(closing(session)), switch)

    def _make_lanes(
        self, group: Group, report: Callable[[str], None]
    ) -> dict[str, Lane]:
        suite = self._suite
        lanes = {}
        for name in group.drafters:
            try:
                lanes[name] = self._maker.make(name, group)
            except (TableError, DocumentError) as error:
                if len(suite.languages) == 1 and not suite.is_in_turns:
                    raise
                report(f"{_name(group, name)}: left out: {error.problem}")
        return lanes

    def _measure_all(
        self,
        places: Sequence[_Place],
        lanes: dict[str, Lane],
        group: Group,
        report: Callable[[str], None],
    ) -> Iterator[Measured]:
        """Decode all texts but the spare one, all ways in turn."""
        suite = self._suite
        requests = list(make_requests(places[0].session, self._loaded, suite, group))
        self._warm_up(places, lanes, requests)
        del requests[suite.limit :]
        for index, request in enumerate(requests):
            if suite.is_in_turns and index % _TEXTS_A_REPORT == 0 < index:
                report(f"{_name(group)}: {index} of {len(requests)} texts")
            plain = _Way(self._plain)
            drafted = {name: _Way(lane) for name, lane in lanes.items()}
            ways = [plain, *drafted.values()]
            for repeat in range(suite.repeats):
                _decode(ways, places, request, turn=index + repeat)
            for name, way in drafted.items():
                place = (group, name, index, len(requests))
                yield _make_measured(place, request, plain, way)

    def _warm_up(
        self,
        places: Sequence[_Place],
        lanes: dict[str, Lane],
        requests: list[CompletionRequest],
    ) -> None:
        """Let all compute their shared prefix, and the processor reach its pace.

        The spare text, if there is one, keeps drafters that learn from knowing the
        beginning of what is measured.
        """
        for request in requests[-1:]:
            short = replace(request, max_tokens=_WARM_UP_TOKENS)
            for place, lane in zip(places, (self._plain, *lanes.values()), strict=True):
                place.switch.use(lane)
                complete(place.session, short)


def _decode(
    ways: Sequence[_Way],
    places: Sequence[_Place],
    request: CompletionRequest,
    turn: int,
) -> None:
    """Decode one text all ways; each has another place the next turn.

    Of two contexts, one can be the faster for as long as the process lives, by where
    its memory lies.
    """
    turn %= len(places)
    moved = [*places[turn:], *places[:turn]]
    for way, place in zip(ways, moved, strict=True):
        way.enter(place.switch)
    results = decode_in_turns([place.session for place in moved], request)
    for way, (answer, elapsed_s) in zip(ways, results, strict=True):
        way.count(answer, elapsed_s)


def _make_measured(
    place: tuple[Group, str, int, int],
    request: CompletionRequest,
    plain: _Way,
    drafted: _Way,
) -> Measured:
    group, drafter, index, num_texts = place
    before, after = plain.last, drafted.last
    return Measured(
        language=group.language.code,
        task=group.task,
        drafter=drafter,
        index=index,
        num_texts=num_texts,
        max_tokens=request.max_tokens,
        prompt_ids=plain.tally.prompt_ids,
        output_ids=after.token_ids,
        num_chars=len(after.text),
        prompt_s=plain.prompt_s,
        plain_tokens=before.num_tokens,
        plain_s=plain.seconds,
        drafted_s=drafted.seconds,
        num_steps=after.counts.num_steps,
        num_drafted=after.counts.num_drafted,
        num_accepted=after.counts.num_accepted,
        is_identical=after.text == before.text,
        num_words=len(after.text.split()),
        draft_s=drafted.tally.draft_s,
        tried_at=tuple(drafted.tally.tried_at),
        accepted_at=tuple(drafted.tally.accepted_at),
        accepted_by_source=after.counts.accepted_by_source,
        source=request.source,
        chances=_known_chances(drafted),
    )


def _known_chances(drafted: _Way) -> tuple[float, ...]:
    """The target's probabilities of the tokens, if it drew every one."""
    known = [chance for chance in drafted.tally.chances if chance is not None]
    if len(known) != len(drafted.last.token_ids):
        return ()
    return tuple(round(chance, 4) for chance in known)
