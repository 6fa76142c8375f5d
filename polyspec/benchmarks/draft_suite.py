"""Rows that say what a draft model is worth, beside the table of each language."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from polyspec.benchmarks.draft_worth import (
    Agreement,
    measure_agreement,
    replay_draft,
    scale_ladder,
)
from polyspec.benchmarks.replay import Answer, Replay, replay_answers
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.table import NAME as TABLE
from polyspec.drafting.table import TableDrafter
from polyspec.drafting.token_map import TokenMap, has_token_map, read_token_map
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import ModelError, TableError
from polyspec.gguf_header import (
    GgufHeader,
    count_common_tokens,
    read_gguf_header,
    tokenizer_fingerprint,
)
from polyspec.tables.store import open_table_for

PromptAndAnswer: TypeAlias = tuple[Sequence[int], Sequence[int]]
_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class WorthRow:
    """One language, task and drafter."""

    language: str
    task: str
    drafter: str
    replay: Replay
    agreement: Agreement | None = None
    """Of a model, at every place of the texts."""

    def as_fields(self) -> dict[str, object]:
        """All figures, for JSON."""
        agreement = None
        if self.agreement is not None:
            agreement = asdict(self.agreement) | {
                "acceptance": self.agreement.acceptance,
                "coverage": self.agreement.coverage,
            }
        return {
            "language": self.language,
            "task": self.task,
            "drafter": self.drafter,
            "agreement": agreement,
            **self.replay.as_fields(),
        }


class DraftBench:
    """A loaded draft model, to be measured on texts of its target."""

    def __init__(
        self,
        path: Path,
        target: GgufHeader,
        ladder: StepCost,
        cost: float | None = None,
        num_threads: int | None = None,
    ) -> None:
        """Load a draft.

        Args:
            path: The draft.
            target: Header of the model it drafts for.
            ladder: Of the target's steps.
            cost: Of a step of the draft, as a share of one of the target; by default
                the share of the bytes of its weights.
            num_threads: Of the draft; None chooses.

        Raises:
            ModelError: It cannot be loaded, or drafts for another tokenizer.
        """
        header = read_gguf_header(path)
        self._map = _match(header, target)
        self._target = target
        self._ladder = ladder
        self.cost = (
            _count_bytes(header) / _count_bytes(target) if cost is None else cost
        )
        with ExitStack() as stack:
            model = stack.enter_context(Model(path))
            size = min(_CONTEXT_TOKENS, model.max_context or _CONTEXT_TOKENS)
            options = ContextOptions(2, size, max_outputs=64, num_threads=num_threads)
            self._draft = LlamaTarget(model, options)
            stack.callback(self._draft.close)
            self._closing = stack.pop_all()

    def measure(
        self, language: str, task: str, pairs: Sequence[PromptAndAnswer]
    ) -> list[WorthRow]:
        """Measure the draft, and the table of the language where there is one.

        Args:
            language: ISO 639-3.
            task: What the texts are.
            pairs: Prompts and answers in the target's ids.

        Raises:
            EngineError: The draft cannot be evaluated.
        """
        fitting = [
            Answer(answer, prompt)
            for prompt, answer in pairs
            if len(prompt) + len(answer) <= self._draft.context_size // 2
        ]
        replay = replay_draft(
            self._draft,
            self._map,
            fitting,
            self._ladder,
            scale_ladder(self._ladder, self.cost),
        )
        agreement = measure_agreement(self._draft, self._map, fitting)
        rows = [WorthRow(language, task, "model", replay, agreement)]
        return rows + self._replay_table(language, task, fitting)

    def _replay_table(
        self, language: str, task: str, answers: Sequence[Answer]
    ) -> list[WorthRow]:
        fingerprint = tokenizer_fingerprint(self._target)
        try:
            table = open_table_for(language, fingerprint, self._target.path.stem)
        except TableError:
            return []
        with table:
            policy = DraftPolicy(self._ladder)
            drafter = ChainDrafter({TABLE: TableDrafter(table)}, policy.feedback)
            replay = replay_answers(drafter, policy, answers)
        return [WorthRow(language, task, "table", replay)]

    def close(self) -> None:
        """Free the draft."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def format_worth(rows: Sequence[WorthRow]) -> str:
    """A table for people."""
    lines = [
        f"{'language':10}{'task':12}{'drafter':9}{'tokens':>7}{'known':>8}"
        f"{'acceptance':>12}{'drafted':>9}{'accepted':>10}{'speed-up':>10}"
    ]
    for row in rows:
        known, acceptance = "", ""
        if row.agreement is not None:
            known = f"{row.agreement.coverage:.3f}"
            acceptance = f"{row.agreement.acceptance:.3f}"
        replay = row.replay
        lines.append(
            f"{row.language:10}{row.task:12}{row.drafter:9}{replay.num_tokens:7}"
            f"{known:>8}{acceptance:>12}{replay.num_drafted:9}"
            f"{replay.num_accepted:10}{replay.speed_up:10.3f}"
        )
    return "\n".join(lines)


def _match(draft: GgufHeader, target: GgufHeader) -> TokenMap | None:
    if has_token_map(draft):
        return read_token_map(draft, target)
    if not count_common_tokens(draft, target):
        raise ModelError(
            f"{draft.path.stem} cannot draft for {target.path.stem}: "
            "their tokenizers differ",
            remedy="pass a draft that was made for it",
        )
    return None


def _count_bytes(header: GgufHeader) -> int:
    return sum(tensor.size_bytes for tensor in header.tensors)
