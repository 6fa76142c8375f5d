import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from polyspec.benchmarks.records import (
    Head,
    Measured,
    Recording,
    append,
    open_recording,
    read_recording,
)
from polyspec.benchmarks.replay import Replay
from polyspec.benchmarks.replay_rows import ReplayRow, recorded_texts
from polyspec.benchmarks.replay_suite import ReplayBench
from polyspec.benchmarks.report import format_replay, mean_replays
from polyspec.decoding.sampling import Chooser, Sampling
from polyspec.errors import DocumentError, UsageError
from polyspec.gguf_header import read_gguf_header
from tests.unit.test_tables_builder import write_tiny_model

HEAD = Head("tiny", "f" * 64, {"repeats": 2}, {1: 0.01, 4: 0.02})
TEXT = Measured(
    language="yor",
    task="story",
    drafter="none",
    index=0,
    num_texts=1,
    max_tokens=8,
    prompt_ids=(1, 2),
    output_ids=(3, 4),
    num_chars=5,
    prompt_s=0.1,
    plain_tokens=2,
    plain_s=0.2,
    drafted_s=0.15,
    num_steps=2,
    num_drafted=0,
    num_accepted=0,
    is_identical=True,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    assert open_recording(path, HEAD).texts == []
    append(path, [TEXT])
    return path


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        ({"seed": 3}, ["story"]),
        ({"seed": 3, "sampling": {"temperature": 0.0, "seed": 3}}, []),
        ({"sampling": {"temperature": 1.0, "seed": 3}}, ["story", "translate"]),
        ({}, []),
        ({"sampling": {"temperature": "hot", "seed": 3}}, []),
        ({"sampling": 1, "seed": "x"}, []),
        ({"seed": -1}, []),
    ],
)
def test_what_a_run_drew_with_is_known(
    settings: dict[str, object], drawn: list[str]
) -> None:
    numbers = {
        task: draw(5)
        for task in ("story", "translate")
        if (draw := replace(HEAD, settings=settings).draw(task))
    }
    wanted = Chooser(Sampling(temperature=1.0, seed=3), 0).uniform(5)
    assert numbers == dict.fromkeys(drawn, wanted)


def test_what_is_written_is_read(path: Path) -> None:
    found = read_recording(path)
    assert (found.head, found.texts) == (HEAD, [TEXT])
    assert (found.head.repeats, found.head.step_cost.of(4)) == (2, 0.02)
    assert found.group("none", "yor", "story") == [TEXT]
    assert found.group("none", "yor", "translate") == []


def test_half_a_group_is_dropped_and_half_a_line(path: Path) -> None:
    append(path, [replace(TEXT, task="translate", num_texts=2)])
    with path.open("a") as file:
        file.write('{"language": "yo')
    assert open_recording(path, HEAD).texts == [TEXT]
    assert len(path.read_text().splitlines()) == 2


def test_another_model_or_other_settings_are_refused(path: Path) -> None:
    before = path.read_bytes()
    for other in (
        replace(HEAD, model="huge"),
        replace(HEAD, fingerprint="e" * 64),
        replace(HEAD, settings={"repeats": 3}),
    ):
        with pytest.raises(UsageError, match="cannot go on"):
            open_recording(path, other)
    assert path.read_bytes() == before


def test_a_ladder_measured_anew_does_not_end_a_recording(path: Path) -> None:
    assert open_recording(path, replace(HEAD, seconds={1: 0.5})).head == HEAD


@pytest.mark.parametrize(
    "change",
    [
        {"plain_s": 0.0},
        {"drafted_s": float("nan")},
        {"prompt_s": 0.3},
        {"output_ids": []},
        {"output_ids": None},
        {"plain_tokens": 0},
        {"max_tokens": "many"},
        {"chances": [0.5]},
        {"chances": [2.0, 0.5]},
        {"chances": ["sure", 1.0]},
    ],
)
def test_figures_that_cannot_be_are_refused(
    path: Path, change: dict[str, object]
) -> None:
    head, text = path.read_text().splitlines()
    broken = json.dumps(json.loads(text) | change)
    path.write_text(f"{head}\n{broken}\n{text}\n")
    with pytest.raises(DocumentError, match="is no recording"):
        read_recording(path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot write the recording"):
        open_recording(tmp_path / "absent" / "run.jsonl", HEAD)


def test_a_drafter_is_replayed_over_its_own_texts_or_plain_ones(path: Path) -> None:
    own = replace(TEXT, drafter="table", output_ids=(3, 5))
    append(path, [own])
    recording = read_recording(path)
    (texts,) = recorded_texts(recording, "table")
    assert list(texts.measured) == [own]
    (texts,) = recorded_texts(recording, "auto")
    assert texts.measured == []
    assert [answer.output_ids for answer in texts.answers] == [(3, 4)]


def test_predictions_stand_beside_measurements() -> None:
    done = Replay(8, 4, 4, 8, 4, 5.0, 8.0)
    rows = [
        ReplayRow("yor", "story", "table", done, predicted=1.5, measured=1.2),
        ReplayRow("fra", "story", "table", replace(done, cost=4.0)),
    ]
    heading, _, first, second, mean = format_replay(rows).splitlines()
    assert heading.split()[-3:] == ["predicted", "measured", "ratio"]
    assert first.split()[-4:] == ["1.600", "1.500", "1.200", "1.250"]
    assert second.split()[-1] == "2.000"
    assert mean.split() == ["mean", "of", "2", "story", "table", "1.800"]
    assert mean_replays(rows)[0]["least"] == 1.6


def test_a_draft_model_is_left_out_of_a_replay(path: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.gguf")
    bench = ReplayBench(read_gguf_header(model), "cuda")
    head = replace(
        HEAD, fingerprint=bench.fingerprint, settings={"repeats": 2, "is_exact": True}
    )
    recording = Recording(head, [TEXT, replace(TEXT, drafter="model")])
    notes: list[str] = []
    (row,) = bench.replay_recording(recording, (), notes.append)
    assert row.drafter == "none"
    assert row.predicted == pytest.approx(1.0)
    assert row.measured == pytest.approx(4 / 3)
    assert [note.split()[0] for note in notes] == ["recorded", "model:"]


def test_a_recording_of_another_tokenizer_is_refused(
    path: Path, tmp_path: Path
) -> None:
    bench = ReplayBench(read_gguf_header(write_tiny_model(tmp_path / "t.gguf")), "cpu")
    with pytest.raises(UsageError, match="another tokenizer"):
        list(bench.replay_recording(read_recording(path), (), lambda _: None))


def test_what_was_learned_before_drafts_what_comes(tmp_path: Path) -> None:
    header = read_gguf_header(write_tiny_model(tmp_path / "tiny.gguf"))
    rng = random.Random(1)
    output_ids = tuple(rng.randrange(20, 250) for _ in range(60))
    text = replace(TEXT, output_ids=output_ids, max_tokens=100, plain_tokens=60)
    bench = ReplayBench(header, "cuda")
    recording = Recording(replace(HEAD, fingerprint=bench.fingerprint), [text])
    rows = [
        next(
            ReplayBench(header, "cuda", lessons=lessons).replay_recording(
                recording, ("memory",), lambda _: None
            )
        )
        for lessons in ([], [recording])
    ]
    cold, warm = (row.replay for row in rows)
    assert warm.num_accepted > 40
    assert cold.num_accepted < 10 + warm.num_accepted // 2
    assert warm.num_tokens == cold.num_tokens


def test_auto_remembers_the_lines_before(tmp_path: Path) -> None:
    header = read_gguf_header(write_tiny_model(tmp_path / "tiny.gguf"))
    line = "".join(random.Random(2).choices("abcdefghijklmnopqrstuvwxyz", k=40))
    text = tmp_path / "deu.txt"
    text.write_text(f"{line}\n" * 4)
    drafters = ("history", "auto")
    rows = ReplayBench(header, "cuda").replay_text(text, drafters, None)
    forgetful, remembering = (row.replay.num_accepted for row in rows)
    assert forgetful < 10
    assert remembering > 60


def test_what_the_target_thought_of_its_tokens_is_kept(path: Path) -> None:
    sure = replace(TEXT, drafter="auto", chances=(0.25, 1.0))
    append(path, [sure])
    assert read_recording(path).texts == [TEXT, sure]
    assert sure.as_answer().chances == (0.25, 1.0)


def test_what_was_translated_is_kept(path: Path) -> None:
    open_recording(path, HEAD)
    append(path, [replace(TEXT, task="translate", source="The library opens.")])
    kept = read_recording(path).group("none", "yor", "translate")
    assert [text.as_answer().source for text in kept] == ["The library opens."]
