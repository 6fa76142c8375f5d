"""The engine on real models: loading, sharing, trimming, exactness, bad files."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polyspec.arrays import LogitsArray
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Chunk, Drafter, Target
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.scheduler import Emitted, Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.history import HistoryDrafter
from polyspec.engine import ladder
from polyspec.engine.guard import require_loadable
from polyspec.engine.ladder import Exactness, probe_exactness
from polyspec.engine.model import Model
from polyspec.engine.sequence_state import SequenceState
from polyspec.engine.stream_target import StreamTarget
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import EngineError, ModelError
from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    Piece,
    Prompt,
    PromptPart,
)
from polyspec.session import Session
from tests.fakes import Answer, run_all

pytestmark = pytest.mark.model

NAMES = ("gemma-3-270m", "smollm2-135m-instruct")
PROMPTS = (
    "The library opens at nine and closes at six. On Monday the library opens",
    "Die Bibliothek öffnet um neun und schließt um sechs. Am Montag öffnet die",
    "La biblioteca abre a las nueve y cierra a las seis. El lunes la biblioteca",
    "图书馆九点开门，六点关门。星期一图书馆",
    "ቤተ መጻሕፍቱ በዘጠኝ ሰዓት ይከፈታል። ሰኞ ቀን ቤተ መጻሕፍቱ",
)
"""Five languages, two scripts that tokenizers split into bytes among them."""


def find(models_dir: Path, name: str) -> Path:
    path = models_dir / f"{name}.gguf"
    if not path.exists():
        pytest.skip(f"{name} is not installed: polyspec models pull {name}")
    return path


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest, models_dir: Path) -> Iterator[Model]:
    with Model(find(models_dir, request.param), gpu_layers=0) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def target(model: Model) -> Iterator[LlamaTarget]:
    options = ContextOptions(num_sequences=6, context_size=512, num_threads=2)
    made = LlamaTarget(model, options)
    yield made
    made.close()


@pytest.fixture(scope="module")
def exactness(target: LlamaTarget) -> Exactness:
    """Which steps equal single tokens here; probed for short contexts only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ladder, "_PROBED_TOKENS", (256,))
        patch.setattr(ladder, "_NUM_PROBED", 24)
        return probe_exactness(target)


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    if "target" in request.fixturenames:
        made: LlamaTarget = request.getfixturevalue("target")
        for sequence_id in range(made.options.num_sequences):
            made.release(sequence_id)


def encode(target: LlamaTarget, text: str) -> list[int]:
    tokenizer = target.model.tokenizer
    start = [tokenizer.bos_id] if tokenizer.adds_bos else []
    return start + tokenizer.encode(text)


def feed(
    target: LlamaTarget, sequence_id: int, position: int, ids: Sequence[int]
) -> LogitsArray:
    """Append tokens and return the logits after each."""
    return target.evaluate([Chunk(sequence_id, position, ids, len(ids))]).copy()


def write(
    target: Target,
    drafter: Drafter | None,
    policy: DraftPolicy,
    requests: Sequence[Request],
    max_sequences: int = 4,
) -> list[Answer]:
    scheduler = Scheduler(target, drafter, policy, max_sequences=max_sequences)
    found = run_all(scheduler, requests)
    scheduler.close()
    return found


def test_prompts_are_completed_with_valid_text(target: LlamaTarget) -> None:
    session = Session(
        target,
        target.model.tokenizer,
        HistoryDrafter(),
        DraftPolicy(StepCost.flat()),
        max_sequences=3,
    )
    sampling = Sampling(temperature=0.8, top_k=40, seed=1)
    requests = [
        CompletionRequest(Prompt((), (PromptPart(text),)), 12, sampling)
        for text in PROMPTS
    ]
    pieces = dict.fromkeys(range(len(PROMPTS)), "")
    ends: dict[int, Completed] = {}
    for event in session.complete(requests):
        if isinstance(event, Piece):
            pieces[event.index] += event.text
        else:
            ends[event.index] = event
    session.close()
    assert sorted(ends) == list(range(len(PROMPTS)))
    for index, end in ends.items():
        assert end.text == pieces[index]
        assert 1 <= end.num_tokens <= 12
        end.text.encode()


def test_many_sequences_decode_beside_a_prompt(model: Model) -> None:
    options = ContextOptions(num_sequences=70, context_size=1024, num_threads=2)
    with closing(LlamaTarget(model, options)) as target:
        ids = encode(target, PROMPTS[0])[:5]
        alone = feed(target, 69, 0, ids)
        target.release(69)
        shorter = feed(target, 0, 0, ids[:4])
        for sequence_id in range(1, 66):
            target.copy_prefix(0, sequence_id, 4)
        chunks = [Chunk(sequence_id, 4, [ids[4]], 1) for sequence_id in range(66)]
        chunks += [Chunk(66, 0, ids[:4], 1), Chunk(67, 0, ids, 0)]
        rows = target.evaluate(chunks)
        # Kernels of other widths round otherwise, by far less than tokens differ.
        for row in rows[:66]:
            assert np.abs(row - alone[4]).mean() < 0.1 * np.abs(row - alone[3]).mean()
        last = np.abs(rows[66] - shorter[3]).mean()
        assert last < 0.1 * np.abs(rows[66] - alone[4]).mean()
        assert target.num_steps > 0


def test_rows_come_in_the_order_of_the_chunks(target: LlamaTarget) -> None:
    texts = [encode(target, text)[:12] for text in PROMPTS]
    apart = [feed(target, 0, 0, texts[0][:4])]
    target.release(0)
    chunks = [Chunk(place, 0, ids, 1) for place, ids in enumerate(texts)]
    chunks[0] = Chunk(0, 0, texts[0][:4], 4)
    together = target.evaluate(chunks).copy()
    assert together.shape == (4 + len(texts) - 1, target.vocab_size)
    # Widths round differently; the rows of other tokens are far apart.
    distances = np.abs(together[:4, None] - apart[0][None]).mean(axis=2)
    assert distances.argmin(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("has_streams", [False, True])
def test_a_step_is_filled_up_and_nothing_of_that_stays(
    model: Model, has_streams: bool
) -> None:
    """Rows are those of the larger step, and what filled it up takes no cells."""
    options = ContextOptions(8, 8 * 256, num_threads=2, has_streams=has_streams)
    ids = model.tokenizer.encode(PROMPTS[0])[:6]
    chunks = [
        Chunk(sequence_id, 0, [token], 1) for sequence_id, token in enumerate(ids)
    ]
    fillers = [Chunk(6, 0, [0], 1), Chunk(7, 0, [0], 1)]
    if not has_streams:
        fillers = [Chunk(7, 0, [0, 0], 2)]
    filled = StepCost.from_samples({1: 1.0, 8: 2.0, 512: 9.0}, tile=4)
    with closing(LlamaTarget(model, options)) as target:
        expected = target.evaluate([*chunks, *fillers])[:6].copy()
        for sequence_id in range(8):
            target.release(sequence_id)
        target.govern(filled)
        rows = target.evaluate(chunks).copy()
        after = target.evaluate([Chunk(6, 0, [ids[0]], 1)]).copy()
        target.release(6)
        for sequence_id in range(6):
            target.release(sequence_id)
        fresh = target.evaluate([Chunk(6, 0, [ids[0]], 1)])
        assert np.array_equal(rows, expected)
        assert np.array_equal(after, fresh)


def test_a_step_that_leaves_no_room_is_not_filled_up(model: Model) -> None:
    with closing(LlamaTarget(model, ContextOptions(2, 256, num_threads=2))) as target:
        target.govern(StepCost.from_samples({1: 1.0, 512: 9.0}, tile=4))
        ids = [5] * target.context_size
        target.evaluate([Chunk(0, 0, ids[:-5], 0)])
        assert target.evaluate([Chunk(0, len(ids) - 5, ids[:5], 5)]).shape[0] == 5


def test_a_step_without_outputs_gives_no_rows(target: LlamaTarget) -> None:
    rows = target.evaluate([Chunk(0, 0, [1, 2, 3], 0)])
    assert rows.shape == (0, target.vocab_size)


def test_a_copied_prefix_equals_the_same_tokens_read_again(
    target: LlamaTarget,
) -> None:
    prefix = encode(target, PROMPTS[0])
    own = encode(target, PROMPTS[1])[-6:]
    target.evaluate([Chunk(5, 0, prefix, 0)])
    target.copy_prefix(5, 0, len(prefix))
    copied = feed(target, 0, len(prefix), own)
    target.release(5)
    target.release(0)
    target.evaluate([Chunk(1, 0, prefix, 0)])
    read = feed(target, 1, len(prefix), own)
    assert np.array_equal(copied, read)


def test_what_is_read_again_after_a_trim_gives_the_same_logits(
    target: LlamaTarget,
) -> None:
    prompt = encode(target, PROMPTS[0])
    target.evaluate([Chunk(0, 0, prompt, 0)])
    first = feed(target, 0, len(prompt), [7])
    target.trim(0, len(prompt))
    feed(target, 0, len(prompt), [9, 11, 13, 15])
    target.trim(0, len(prompt))
    again = feed(target, 0, len(prompt), [7])
    assert np.array_equal(first, again)


def test_a_sequence_does_not_see_the_others(target: LlamaTarget) -> None:
    prompt = encode(target, PROMPTS[0])
    alone = feed(target, 0, 0, prompt)[-1]
    target.release(0)
    feed(target, 1, 0, encode(target, PROMPTS[1]))
    beside = feed(target, 0, 0, prompt)[-1]
    assert np.array_equal(alone, beside)


def test_many_sequences_write_what_each_writes_alone_at_first(
    target: LlamaTarget,
) -> None:
    requests = [Request(encode(target, text), 1) for text in PROMPTS]
    policy = DraftPolicy(StepCost.flat())
    apart = write(target, None, policy, requests, max_sequences=1)
    together = write(target, None, policy, requests, max_sequences=4)
    # Wider steps round differently, so a close call may fall the other way.
    agree = [a.token_ids == b.token_ids for a, b in zip(apart, together, strict=True)]
    assert sum(agree) >= len(PROMPTS) - 1


def test_exact_drafting_writes_what_plain_decoding_writes(
    target: LlamaTarget, exactness: Exactness
) -> None:
    if not exactness.widths:
        pytest.skip("no step of several tokens equals single ones on this machine")
    cost = StepCost.from_samples(
        {1: 1.0, 8: 1.1}, exactness.widths, exactness.num_tokens
    )
    policy = DraftPolicy(cost, min_gain=0.0, is_exact=True)
    requests = [Request(encode(target, text), 32) for text in PROMPTS]
    plain = write(target, None, policy, requests)
    drafted = write(target, HistoryDrafter(), policy, requests)
    assert [a.token_ids for a in drafted] == [a.token_ids for a in plain]
    num_accepted = sum(len(e.sources) for a in drafted for e in a.events)
    assert num_accepted > 20, "too little was drafted to prove anything"


def test_exactness_ends_where_it_was_proven(
    target: LlamaTarget, exactness: Exactness
) -> None:
    """An answer that grows past the proof stays what plain decoding writes."""
    if not exactness.widths:
        pytest.skip("no step of several tokens equals single ones on this machine")
    cost = StepCost.from_samples(
        {1: 1.0, 8: 1.1}, exactness.widths, exactness.num_tokens
    )
    policy = DraftPolicy(cost, min_gain=0.0, is_exact=True)
    prompt = (encode(target, PROMPTS[0]) * 20)[: exactness.num_tokens - 12]
    requests = [Request(prompt, 24)]
    (plain,) = write(target, None, policy, requests)
    (drafted,) = write(target, HistoryDrafter(), policy, requests)
    assert drafted.token_ids == plain.token_ids


def test_closing_a_run_stops_within_a_step(target: LlamaTarget) -> None:
    scheduler = Scheduler(
        target, HistoryDrafter(), DraftPolicy(StepCost.flat()), max_sequences=2
    )
    requests = [Request(encode(target, text), 50) for text in PROMPTS]
    run = scheduler.run(requests)
    assert isinstance(next(run), Emitted)
    num_steps = target.num_steps
    run.close()
    assert target.num_steps == num_steps
    assert len(run_all(scheduler, [Request(requests[0].prompt_ids, 3)])) == 1


def test_a_full_cache_is_an_error_and_not_the_end(target: LlamaTarget) -> None:
    ids = [5] * target.max_batch
    assert len(ids) == target.context_size
    target.evaluate([Chunk(0, 0, ids, 0)])
    with pytest.raises(EngineError) as caught:
        target.evaluate([Chunk(1, 0, [5], 0)])
    assert "--ctx" in caught.value.remedy
    target.release(0)
    assert feed(target, 0, 0, [5, 6]).shape[0] == 2


def test_a_token_that_does_not_exist_is_an_error(target: LlamaTarget) -> None:
    with pytest.raises(EngineError, match="could not be evaluated"):
        target.evaluate([Chunk(0, 0, [target.vocab_size], 1)])


def test_too_wide_a_step_is_a_mistake(target: LlamaTarget) -> None:
    with pytest.raises(ValueError, match="tokens"):
        target.evaluate([Chunk(0, 0, [1] * (target.max_batch + 1), 0)])
    too_many = target.max_outputs + 1
    with pytest.raises(ValueError, match="outputs"):
        target.evaluate([Chunk(0, 0, [1] * too_many, too_many)])


def test_closing_twice_is_harmless(model: Model) -> None:
    target = LlamaTarget(model, ContextOptions(num_sequences=1, context_size=256))
    target.close()
    target.close()


def test_a_context_that_memory_cannot_hold_is_an_error(model: Model) -> None:
    with pytest.raises(EngineError) as caught:
        LlamaTarget(model, ContextOptions(num_sequences=1, context_size=2**31 - 256))
    assert "--ctx" in caught.value.remedy


_SMALL_MEMORY = """
import resource, sys
from contextlib import closing, contextmanager
from pathlib import Path
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import EngineError
model = Model(Path(sys.argv[1]), gpu_layers=0)
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    LlamaTarget(model, ContextOptions(num_sequences=1, context_size=1 << 18))
except EngineError as err:
    print(err.remedy)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
def test_a_context_for_which_memory_runs_out_is_an_error(models_dir: Path) -> None:
    path = find(models_dir, NAMES[1])
    child = subprocess.run(
        [sys.executable, "-c", _SMALL_MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert "--ctx" in child.stdout


@pytest.mark.parametrize("num_sequences", [0, 257])
def test_a_senseless_number_of_sequences_is_a_mistake(
    model: Model, num_sequences: int
) -> None:
    with pytest.raises(ValueError, match="num_sequences"):
        LlamaTarget(model, ContextOptions(num_sequences, context_size=256))


@pytest.mark.parametrize(
    "text",
    [
        *PROMPTS,
        "",
        " ",
        "\n\n\t",
        "a" * 5000,
        "👩‍👩‍👧‍👦 e\u0301",
        "\u202eabc",
        "\ufeffx",
    ],
)
def test_text_comes_back_from_its_tokens(model: Model, text: str) -> None:
    tokenizer = model.tokenizer
    ids = tokenizer.encode(text)
    back = b"".join(map(tokenizer.piece, ids)).decode()
    assert back.removeprefix(" ") == text.removeprefix(" ")


def test_no_text_can_stop_the_tokenizer(model: Model) -> None:
    tokenizer = model.tokenizer
    for text in ("\ud800", "a\0b", "\udfff" * 50, "\U0010ffff", "\ufffe"):
        assert all(0 <= i < tokenizer.vocab_size for i in tokenizer.encode(text))


def test_control_texts_count_only_when_asked_for(model: Model) -> None:
    tokenizer = model.tokenizer
    ends = [
        text
        for text in ("<|im_end|>", "<end_of_turn>", "<|endoftext|>", "<eos>")
        if len(tokenizer.encode(text, parse_control=True)) == 1
    ]
    assert ends
    for text in ends:
        assert len(tokenizer.encode(text)) > 1
        (token_id,) = tokenizer.encode(text, parse_control=True)
        assert tokenizer.piece(token_id) == b""


def test_a_closed_model_can_be_closed_again(models_dir: Path) -> None:
    model = Model(find(models_dir, NAMES[1]), gpu_layers=0)
    model.close()
    model.close()


def test_a_sound_model_passes_the_trial_load_and_is_sealed(
    models_dir: Path, tmp_path: Path
) -> None:
    require_loadable(find(models_dir, NAMES[1]), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(
    models_dir: Path, tmp_path: Path, share: float
) -> None:
    whole = find(models_dir, NAMES[1])
    with whole.open("rb") as file:
        data = file.read(int(whole.stat().st_size * share))
    path = tmp_path / "cut.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        Model(path, gpu_layers=0)
    assert caught.value.remedy


def load_as_the_program_does(path: Path, seal_folder: Path) -> None:
    """The trial load stands in front of the load."""
    require_loadable(path, seal_folder)
    Model(path, gpu_layers=0).close()


def test_flipped_bytes_of_a_header_end_no_process_but_the_trial(
    models_dir: Path, tmp_path: Path
) -> None:
    data = bytearray(find(models_dir, NAMES[1]).read_bytes())
    path = tmp_path / "flipped.gguf"
    random = np.random.default_rng(1)
    for places in random.integers(0, 600, (4, 6)):
        changed = bytearray(data)
        for place in places:
            changed[place] ^= int(random.integers(1, 256))
        path.write_bytes(changed)
        with pytest.raises(ModelError) as caught:
            load_as_the_program_does(path, tmp_path / "seals")
        assert caught.value.remedy


def test_numbers_that_are_none_are_refused_by_the_trial(
    models_dir: Path, tmp_path: Path
) -> None:
    data = bytearray(find(models_dir, NAMES[1]).read_bytes())
    size = 1 << 20
    data[-size:] = b"\xff" * size  # not a number in any float format
    path = tmp_path / "nan.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        require_loadable(path, tmp_path / "seals")
    assert caught.value.cause == "its logits are no numbers"
    assert caught.value.remedy


def test_weights_that_are_all_zero_harm_nobody(
    models_dir: Path, tmp_path: Path
) -> None:
    data = bytearray(find(models_dir, NAMES[1]).read_bytes())
    half = len(data) // 2
    data[half:] = bytes(len(data) - half)
    path = tmp_path / "zero.gguf"
    path.write_bytes(data)
    require_loadable(path, tmp_path / "seals")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        Model(tmp_path / "none.gguf")


@contextmanager
def with_and_without_streams(
    model: Model, num_sequences: int
) -> Iterator[tuple[LlamaTarget, LlamaTarget]]:
    """A common cache, and one that gives each sequence 256 cells of its own."""
    options = ContextOptions(num_sequences, context_size=1024, num_threads=2)
    divided = replace(options, context_size=256 * num_sequences, has_streams=True)
    with (
        closing(LlamaTarget(model, options)) as common,
        closing(LlamaTarget(model, divided)) as streams,
    ):
        yield common, streams


def test_texts_in_streams_write_what_they_write_in_the_common_cache(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ContextOptions(
        num_sequences=40, context_size=4096, max_outputs=64, num_threads=2
    )
    with (
        closing(LlamaTarget(model, options)) as common,
        closing(StreamTarget(common, num_streams=20)) as streams,
    ):
        moved: set[int] = set()
        save = common.save

        def save_and_note(sequence_id: int) -> SequenceState:
            moved.add(sequence_id)
            return save(sequence_id)

        monkeypatch.setattr(common, "save", save_and_note)
        prompts = [encode(common, f"{number}. {PROMPTS[0]}") for number in range(24)]
        requests = [
            Request(ids, 6 + number % 5, num_shared=1)
            for number, ids in enumerate(prompts)
        ]
        policy = DraftPolicy(StepCost.flat())
        apart = write(common, None, policy, requests, max_sequences=20)
        assert not moved
        beside = write(streams, None, policy, requests, max_sequences=20)
        assert len(moved) == 20
        # Steps of other widths round differently, so a close call may fall otherwise.
        agree = [a.token_ids == b.token_ids for a, b in zip(apart, beside, strict=True)]
        assert sum(agree) >= len(requests) - 5


def test_a_text_that_has_moved_goes_on_as_if_it_had_not(model: Model) -> None:
    with with_and_without_streams(model, 3) as (common, streams):
        ids = encode(common, PROMPTS[0])
        common.evaluate([Chunk(1, 0, ids, 0)])
        stayed = feed(common, 1, len(ids), [7])
        common.trim(1, len(ids))
        streams.restore(2, common.save(1))
        common.release(1)
        moved = feed(streams, 2, len(ids), [7])
        assert np.abs(moved - stayed).max() < 0.05 * np.abs(stayed).max()
        streams.trim(2, len(ids))
        common.restore(0, streams.save(2))
        assert np.array_equal(feed(common, 0, len(ids), [7]), stayed)


def test_what_does_not_fit_into_a_stream_is_an_error(model: Model) -> None:
    with with_and_without_streams(model, 2) as (common, streams):
        ids = (encode(common, PROMPTS[0]) * 40)[:400]
        common.evaluate([Chunk(0, 0, ids, 0)])
        with pytest.raises(EngineError, match="could not be moved"):
            streams.restore(0, common.save(0))
