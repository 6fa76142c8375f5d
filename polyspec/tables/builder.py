"""From texts to a table: tokenize, count, choose, calibrate, write."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from polyspec.errors import TableError, UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.tables.automaton import Automaton, Context, assemble
from polyspec.tables.bulk_encoder import BulkEncoder, JoinedLines, find_joints
from polyspec.tables.calibration import (
    MAX_BINS,
    calibration_error,
    choose_num_top,
    fit_calibration,
    hits_of,
)
from polyspec.tables.corpus import read_lines
from polyspec.tables.counting import NgramCounter, RankedContexts
from polyspec.tables.encoder import Encoder, make_encoder
from polyspec.tables.format import MAX_CONTEXT, Corpus, TableInfo
from polyspec.tables.writer import to_bytes, write_table

_BATCH_CHARS = 2_000_000
_LEAST_STATE_BYTES = 5
_NARROW_STATES = 65_535
"""With more, indices take 4 bytes instead of 2."""
_WIDE_BYTES = 700_000
"""Below this size a table of narrow indices holds more states than a wide one."""
_FULL = 0.98
"""A table that fills this much of its limit is not tried larger."""
_UNKNOWN = ((0.0, 0.0),) * MAX_BINS
"""Stands for the calibration while the size of a table is looked for."""
_HELD_OUT_EVERY = 40
_MAX_HELD_OUT = 200_000
_OVERHEAD_BYTES = 400 << 20
"""Memory that tokenizing takes beside the counter's."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a table is built from, and how."""

    language: str
    """ISO 639-3."""
    header: GgufHeader
    """Of the model that the table drafts for."""
    corpora: Sequence[tuple[Path, Corpus]]
    held_out: Path | None = None
    """Text to calibrate on; without one, every 40th line is held out."""
    max_order: int = 6
    """Most tokens of a context, `1..8`."""
    min_count: int | None = None
    """Least occurrences of a context; None for what suits the length of the text."""
    max_bytes: int = 500_000
    """Size of the file at most."""
    memory_bytes: int = 1 << 30
    """Memory for building, beyond which it goes on on disk."""
    report: Callable[[str], None] = field(default=lambda _text: None)
    """Told in a few words what is being done."""
    encoder: Encoder | None = None
    """Tokenizes instead of what is made from the header."""

    @property
    def fingerprint(self) -> str:
        """Of the tokenizer that the table is for."""
        return tokenizer_fingerprint(self.header)

    @property
    def start_id(self) -> int | None:
        """The token that stands for the start of a line, if the vocabulary has one."""
        return self.header.integer("tokenizer.ggml.bos_token_id")


def name_corpora(
    files: Sequence[Path], licences: Sequence[str]
) -> list[tuple[Path, Corpus]]:
    """Give each text its name and licence.

    Raises:
        UsageError: There are neither one licence nor as many as texts.
    """
    if len(licences) == 1:
        licences = [*licences] * len(files)
    if len(licences) != len(files):
        raise UsageError(
            f"{len(licences)} licences are named for {len(files)} texts",
            remedy="pass --licence once, or once for each text in their order",
        )
    return [
        (file, Corpus(file.name, licence))
        for file, licence in zip(files, licences, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class CountedTexts:
    """What tables of several sizes can be written from."""

    request: BuildRequest
    ranked: RankedContexts
    held_out: Sequence[Sequence[int]]
    """Token ids of the lines that calibrate, each after the start token."""
    num_tokens: int


def build_table(request: BuildRequest, output: Path) -> TableInfo:
    """Build a table and write it whole or not at all.

    The same request gives the same bytes.

    Raises:
        TableError: A text cannot be read, is empty, or the table cannot be written.
        ModelError: The model's tokenizer is not known.
    """
    return write_counted(count_texts(request), output, request.max_bytes)


def count_texts(request: BuildRequest) -> CountedTexts:
    """Count the texts of a request and rank their contexts.

    Raises:
        TableError: A text cannot be read or is empty.
        ModelError: The model's tokenizer is not known.
    """
    if not 1 <= request.max_order <= MAX_CONTEXT:
        raise ValueError(f"max_order must be 1..{MAX_CONTEXT}: {request.max_order}")
    encoder = _bulk_encoder(request)
    held_out = _HeldOut(request.held_out is None, request.start_id)
    with tempfile.TemporaryDirectory(prefix="polyspec-") as folder:
        counter = NgramCounter(
            Path(folder),
            request.max_order,
            max(64 << 20, request.memory_bytes - _OVERHEAD_BYTES),
        )
        num_tokens = _count(request, encoder, counter, held_out)
        request.report("choosing contexts")
        ranked = counter.rank(
            max(1, request.max_bytes // _LEAST_STATE_BYTES),
            min_count=request.min_count,
        )
    if request.held_out is not None:
        held_out.add_file(request.held_out, encoder)
    return CountedTexts(request, ranked, held_out.lines, num_tokens)


def write_counted(counted: CountedTexts, output: Path, max_bytes: int) -> TableInfo:
    """Calibrate as many of the best contexts as fit and write their table.

    Args:
        counted: Texts.
        output: Where the table is to be.
        max_bytes: Size of the file at most; no more than the request's.

    Raises:
        TableError: The table cannot be written.
    """
    request = counted.request
    request.report("choosing contexts")
    info = TableInfo(
        language=request.language,
        fingerprint=request.fingerprint,
        vocabulary_size=request.header.vocabulary_size,
        corpora=tuple(corpus for _, corpus in request.corpora),
        num_corpus_tokens=counted.num_tokens,
        pruning=f"expected accepted tokens, most in {max_bytes} bytes",
        build_arguments=_arguments(request, max_bytes),
        start_id=request.start_id,
        calibration=_UNKNOWN,
    )
    ranked = counted.ranked.first(_most_states(max_bytes))
    ranked = ranked.first(_fitting_number(ranked, info, max_bytes))
    request.report("calibrating")
    # Only now: a context that is left out makes shorter ones speak in its place.
    ranked, calibration, error = _calibrate(
        ranked, counted.held_out, 0 if request.start_id is None else 1
    )
    request.report("writing")
    info = replace(info, calibration=calibration, calibration_error=error)
    write_table(output, info, _assemble(_rows(ranked)))
    return info


class _HeldOut:
    """Lines that calibrate: every 40th of the corpus, or those of a file."""

    def __init__(self, takes_share: bool, start_id: int | None) -> None:
        self.lines: list[list[int]] = []
        self._start = [] if start_id is None else [start_id]
        self._takes_share = takes_share
        self._num_seen = self._num_tokens = 0

    def split(self, lines: JoinedLines) -> JoinedLines:
        """Keep some of the lines and return the others."""
        if not self._takes_share:
            return lines
        numbers = np.arange(lines.lengths.size) + self._num_seen + 1
        self._num_seen += lines.lengths.size
        is_kept = numbers % _HELD_OUT_EVERY == 0
        for line in lines.where(is_kept).lines():
            self._keep(line)
        return lines.where(~is_kept)

    def add_file(self, path: Path, encoder: BulkEncoder) -> None:
        for batch in _batches(path):
            for line in encoder.encode(batch).lines():
                self._keep(line)

    def _keep(self, line: list[int]) -> None:
        if self._num_tokens < _MAX_HELD_OUT:
            self.lines.append([*self._start, *line])
            self._num_tokens += len(line)


def _bulk_encoder(request: BuildRequest) -> BulkEncoder:
    if request.encoder is not None:
        return BulkEncoder(request.encoder, None)
    return BulkEncoder(make_encoder(request.header), find_joints(request.header))


def _count(
    request: BuildRequest,
    encoder: BulkEncoder,
    counter: NgramCounter,
    held_out: _HeldOut,
) -> int:
    """Count the texts of a request, each batch while the next is tokenized."""
    num_tokens = 0
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[int]] = []
        for path, _ in request.corpora:
            before = num_tokens
            for batch in _batches(path):
                lines = held_out.split(encoder.encode(batch))
                num_tokens += lines.ids.size
                for job in waiting:
                    job.result()
                waiting = [pool.submit(counter.add, lines, request.start_id)]
                request.report(f"counting {path.name}: {num_tokens / 1e6:.1f} M tokens")
            if num_tokens == before:
                raise TableError(
                    f"no table can be built from {path}",
                    cause="it holds no text",
                    remedy="pass a text with a sentence or paragraph a line",
                )
        for job in waiting:
            job.result()
    return num_tokens


def _batches(path: Path) -> Iterator[list[str]]:
    batch: list[str] = []
    num_chars = 0
    for line in read_lines(path):
        batch.append(line)
        num_chars += len(line)
        if num_chars >= _BATCH_CHARS:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch


def _most_states(max_bytes: int) -> int:
    most = max(1, max_bytes // _LEAST_STATE_BYTES)
    return min(most, _NARROW_STATES) if max_bytes < _WIDE_BYTES else most


def _calibrate(
    ranked: RankedContexts, lines: Sequence[Sequence[int]], num_start: int
) -> tuple[RankedContexts, tuple[tuple[float, float], ...], float]:
    """Return calibrated contexts, the map, and its error on lines it has not seen."""
    max_order = ranked.contexts.shape[1]
    table = {
        context: (token, probability) for context, token, probability in _rows(ranked)
    }
    # Sources follow one another in a file: each half gets lines of all of them.
    estimated, hits = hits_of(table, [*lines[::2], *lines[1::2]], max_order, num_start)
    half = estimated.size // 2
    num_top = choose_num_top(estimated, hits)
    of_half = fit_calibration(estimated[:half], hits[:half], num_top)
    error = calibration_error(of_half.apply(estimated[half:]), hits[half:])
    calibration = fit_calibration(estimated, hits, num_top)
    probabilities = calibration.apply(ranked.probabilities)
    calibrated = RankedContexts(ranked.contexts, ranked.token_ids, probabilities)
    return calibrated, calibration.pairs(), error


def _rows(ranked: RankedContexts) -> Iterator[tuple[Context, int, float]]:
    for context, token, probability in zip(
        ranked.contexts.tolist(),
        ranked.token_ids.tolist(),
        ranked.probabilities.tolist(),
        strict=True,
    ):
        yield tuple(id_ for id_ in context if id_ >= 0), token, probability


def _fitting_number(ranked: RankedContexts, info: TableInfo, max_bytes: int) -> int:
    """Return how many of the best contexts fit, one at least.

    Sizes jump where indices need another byte, so the number is searched for.
    """
    rows = list(_rows(ranked))
    fitting, too_many = 1, len(rows) + 1
    num = len(rows)
    while fitting < num < too_many:
        size = len(to_bytes(info, _assemble(rows[:num])))
        if size <= max_bytes:
            fitting = num
            if size >= _FULL * max_bytes:
                break
        else:
            too_many = num
        guess = int(num * max_bytes / size * 0.999)
        num = guess if fitting < guess < too_many else (fitting + too_many) // 2
    return fitting


def _assemble(rows: Iterable[tuple[Context, int, float]]) -> Automaton:
    return assemble({context: [(token, chance)] for context, token, chance in rows})


def _arguments(request: BuildRequest, max_bytes: int) -> str:
    arguments = {
        "files": [path.name for path, _ in request.corpora],
        "held_out": request.held_out.name if request.held_out else None,
        "max_order": request.max_order,
        "min_count": request.min_count,
        "max_bytes": max_bytes,
        "model": request.header.path.stem,
    }
    return json.dumps(arguments, sort_keys=True)
