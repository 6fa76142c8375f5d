"""Drafts from a smaller model with the target's tokenizer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from polyspec.decoding.interfaces import EMPTY_DRAFT, Distribution, Draft, Target
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.cached_text import CachedText
from polyspec.drafting.chances import ChanceRates
from polyspec.drafting.drawer import DraftDrawer
from polyspec.drafting.model_cache import DraftCache
from polyspec.drafting.profit import ProfitAccount
from polyspec.drafting.token_map import TokenMap
from polyspec.errors import EngineError

NAME = "model"


class ModelDrafter:
    """Lets a small model write on, all sequences together, one token a step.

    Each token is the likeliest one with its softmax probability, corrected by how often
    such tokens were accepted. A sequence is drafted for as long as that promises more
    than it costs, and none is while drafting as a whole has not paid.

    Source: Leviathan et al. 2023, arXiv 2211.17192; Chen et al. 2023, arXiv 2302.01318.
    """

    def __init__(
        self,
        model: Target,
        rule: StopRule,
        *,
        model_name: str = NAME,
        vocab_size: int | None = None,
        token_map: TokenMap | None = None,
        on_failure: Callable[[EngineError], None] = lambda error: None,
        is_careful: bool = True,
        draws: bool = False,
    ) -> None:
        """Draft with `model`, which nobody else uses.

        It must offer the sequence ids of the scheduler and be able to trim.

        Args:
            model: The draft model in a context of its own.
            rule: When another token pays.
            model_name: What the user calls it.
            vocab_size: Leading tokens that draft model and target have in common; all
                unless given.
            token_map: For a draft model that has tokens of its own numbering.
            on_failure: Told once when the model cannot be evaluated; from then on
                nothing is drafted.
            is_careful: Whether to stop where drafting does not pay. Otherwise every
                draft is as long as allowed, as measurements of the model itself want.
            draws: Whether to draw drafts where the target draws, which accepts more.
                Nobody else may then propose for the same sequences, and a seed gives
                another text than without drafts.
        """
        self.model_name = model_name
        self._map = token_map
        self._cache = DraftCache(
            model,
            vocab_size or model.vocab_size,
            token_map.unknown_id if token_map else None,
        )
        self._rule = rule
        self._on_failure = on_failure
        self._is_careful = is_careful
        self._draws = draws
        self._is_failed = False
        self._num_sequences = 1
        self._by_label: dict[str, tuple[ChanceRates, ProfitAccount]] = {}
        self.switch("")

    def switch(self, label: str) -> None:
        """Go by what is known of texts with this label from now on."""
        self.chance_rates, self._account = self._by_label.setdefault(
            label, (ChanceRates(), ProfitAccount())
        )

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """What is known, for each label."""
        return {
            label: rates.numbers() | account.numbers()
            for label, (rates, account) in self._by_label.items()
        }

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            rates, account = self._by_label.setdefault(
                label, (ChanceRates(), ProfitAccount())
            )
            rates.restore(known)
            account.restore(known)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._cache.begin(sequence_id, self._as_read(prompt_ids))

    def draw_as(self, sequence_id: int, sampling: Sampling, stream: int) -> None:
        if self._draws:
            self._cache.get(sequence_id).drawer = DraftDrawer(sampling, stream)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        if self._is_failed or not sequence_ids:
            return [EMPTY_DRAFT] * len(sequence_ids)
        texts = [self._cache.get(sequence_id) for sequence_id in sequence_ids]
        self._num_sequences = len(texts)
        self._account.settle()
        if self._account.is_open() or not self._is_careful:
            try:
                self._write_on(texts, limits)
            except EngineError as error:
                self._is_failed = True
                self._on_failure(error)
                return [EMPTY_DRAFT] * len(texts)
        return [
            self._as_draft(text, limit)
            for text, limit in zip(texts, limits, strict=True)
        ]

    def _write_on(self, texts: list[CachedText], limits: Sequence[int]) -> None:
        """Extend drafts, all together by one token at a time, while it pays."""
        self._cache.tidy()
        most = {
            text.sequence_id: limit for text, limit in zip(texts, limits, strict=True)
        }
        growing = texts
        is_first = True
        while True:
            growing = [
                text
                for text in growing
                if not text.is_dropped and text.num_drafted < most[text.sequence_id]
            ]
            growing = self._choose(growing, sum(text.num_drafted for text in texts))
            if is_first and not growing:
                self.chance_rates.forgive()
            elif is_first:
                self._spend_reading(self._cache.share(growing))
                growing = self._afford(growing)
                is_first = False
            growing = self._cache.fit(growing)
            if not growing:
                break
            for width in self._cache.read(growing):
                self._spend_reading(width)
        self._spend_verifying(sum(text.num_drafted for text in texts))

    def _choose(self, growing: list[CachedText], num_drafted: int) -> list[CachedText]:
        """Return the drafts that are worth another token, the likeliest first."""
        if not self._is_careful:
            return growing
        reached = {text.sequence_id: self._reach(text) for text in growing}
        growing = sorted(growing, key=lambda text: -reached[text.sequence_id])
        num = self._rule.count_to_extend(
            [reached[text.sequence_id] for text in growing],
            # What else is unread serves all drafts to come; the account pays for it.
            [min(2, text.num_unread) for text in growing],
            self.chance_rates.hopeful_mean,
            self._num_sequences,
            num_drafted,
        )
        return growing[:num]

    def _reach(self, text: CachedText) -> float:
        """Return the chance that the target accepts all that is drafted."""
        reached = 1.0
        for chance in text.chances:
            reached *= self.chance_rates.correct(chance)
        return reached

    def _afford(self, growing: list[CachedText]) -> list[CachedText]:
        """Return those whose unread tokens the account can pay for."""
        if not self._is_careful:
            return growing
        affordable: list[CachedText] = []
        num_unread = 0
        for text in sorted(growing, key=lambda text: text.num_unread):
            num_unread += text.num_unread
            cost = self._rule.draft_cost.of(num_unread) / self._step_seconds
            if affordable and cost > self._account.balance:
                break
            affordable.append(text)
        return affordable

    @property
    def _step_seconds(self) -> float:
        return self._rule.target_cost.of(self._num_sequences)

    def _spend_reading(self, width: int) -> None:
        if width:
            self._account.spend(self._rule.draft_cost.of(width) / self._step_seconds)

    def _spend_verifying(self, num_drafted: int) -> None:
        wider = self._rule.target_cost.of(self._num_sequences + num_drafted)
        self._account.spend(max(0.0, wider / self._step_seconds - 1.0))

    def _as_read(self, target_ids: Sequence[int]) -> Sequence[int]:
        """Return what the draft model reads for tokens of the target."""
        return target_ids if self._map is None else self._map.to_draft(target_ids)

    def _as_draft(self, text: CachedText, limit: int) -> Draft:
        drafted = text.drafted_ids[:limit]
        token_ids = tuple(
            drafted if self._map is None else self._map.to_target(drafted)
        )
        if not token_ids:
            return EMPTY_DRAFT
        chances = tuple(map(self.chance_rates.correct, text.chances[:limit]))
        distributions = tuple(map(self._as_meant, text.distributions[:limit]))
        return Draft(token_ids, chances, (NAME,) * len(token_ids), distributions)

    def _as_meant(self, distribution: Distribution) -> Distribution:
        """Return a distribution over tokens of the target."""
        if self._map is None:
            return distribution
        ids, probabilities = distribution
        meant = np.array(self._map.to_target(ids.tolist()), dtype=np.int32)
        return meant, probabilities

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        text = self._cache.get(sequence_id)
        num_accepted = 0
        is_right: bool | None = True
        for place, token_id in enumerate(self._as_read(emitted_ids)):
            chance = text.chances[0] if text.chances else 0.0
            is_right = self._cache.confirm(sequence_id, token_id)
            if is_right is not None:
                self.chance_rates.record(chance, is_right)
            # The last token is the target's own, drafted or not.
            num_accepted += bool(is_right) and place < len(emitted_ids) - 1
        self._account.save(num_accepted / self._num_sequences)

    def end(self, sequence_id: int) -> None:
        self._cache.end(sequence_id)

    def close(self) -> None:
        """Empty the draft model's KV cache, so that another drafter may use it."""
        self._cache.clear()
