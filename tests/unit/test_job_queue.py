"""Jobs side by side: what is asked next, what is asked again, and in which order."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    Prompt,
    PromptPart,
)
from polyspec.translation.job import Part
from polyspec.translation.queue import JobQueue
from tests.fakes_completer import FakeCompleter


@dataclass
class Task:
    """Wants its text answered so many times."""

    text: str
    num_times: int = 1
    is_changed: bool = True
    has_failed: bool = False
    answers: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.answers) >= self.num_times

    def open_parts(self) -> list[Part]:
        return [] if self.is_done else [Part(self.text)]

    def finish(self, part: Part, completed: Completed) -> list[Part]:
        self.answers.append(completed.text)
        return [] if self.is_done else [Part(part.source)]


def ask(_task: Task, part: Part) -> CompletionRequest:
    return CompletionRequest(Prompt((), (PromptPart(part.source),)), 100)


def run(
    tasks: list[Task], completer: FakeCompleter, num_ahead: int = 1
) -> Iterator[Task]:
    queue = JobQueue(iter(tasks), ask, num_ahead=num_ahead)
    for _ in queue.run(completer):
        while (task := queue.first) is not None and task.is_done:
            queue.drop_first()
            yield task


def asked_texts(completer: FakeCompleter) -> list[str]:
    return [request.prompt.own[0].text for request in completer.requests]


@given(
    st.lists(st.tuples(st.text("ab", min_size=1, max_size=9), st.integers(0, 3))),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_every_job_is_answered_and_taken_out_in_its_order(
    wanted: list[tuple[str, int]], num_places: int, num_ahead: int, seed: int
) -> None:
    tasks = [Task(text, num_times) for text, num_times in wanted]
    completer = FakeCompleter(num_places=num_places, seed=seed)
    found = list(run(tasks, completer, num_ahead))
    assert [id(task) for task in found] == [id(task) for task in tasks]
    for task, (text, num_times) in zip(found, wanted, strict=True):
        assert task.answers == [text.upper()] * num_times


def test_of_those_ahead_the_longest_is_asked_for_first() -> None:
    texts = ["a", "aaa", "aa", "aaaaa", "aaaa"]
    completer = FakeCompleter(num_places=1)
    assert len(list(run([Task(text) for text in texts], completer, 3))) == 5
    assert asked_texts(completer) == ["aaa", "aaaaa", "aaaa", "a", "aa"]
    completer = FakeCompleter(num_places=1)
    list(run([Task(text) for text in texts], completer))
    assert asked_texts(completer) == texts


def test_what_may_take_longest_is_asked_for_before_what_is_longest() -> None:
    texts = ["a", "bbb", "aa", "b", "aaaa"]
    completer = FakeCompleter(num_places=1)
    queue = JobQueue(
        map(Task, texts),
        ask,
        num_ahead=5,
        expect_length=lambda task, part: 10 * task.text.count("b") + len(part.source),
    )
    for _ in queue.run(completer):
        pass
    assert asked_texts(completer) == ["bbb", "b", "aaaa", "aa", "a"]


def test_what_is_asked_again_does_not_wait_for_the_others() -> None:
    slow, quick = "s" * 90, "q"
    completer = FakeCompleter(num_places=2, piece_chars=1)
    tasks = [Task(slow), Task(quick, 3)]
    assert len(list(run(tasks, completer))) == 2
    assert completer.num_runs == 1
