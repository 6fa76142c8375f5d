"""Lessons on disk: kept, continued, refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from polyspec.errors import DocumentError
from polyspec.training.lessons import Course, LessonStore
from polyspec.training.teacher import Example, Lesson, Teacher
from tests.fakes import FakeTarget

COURSE = Course("gemma", "f00d", "deu", "translate")


def make_examples(num: int) -> list[Example]:
    return [Example((1, 2, 3), (number % 5, 4, 0)) for number in range(num)]


@pytest.fixture
def taught() -> list[Example]:
    return []


@pytest.fixture
def teach(taught: list[Example]) -> Callable[[Example], Lesson]:
    teacher = Teacher(FakeTarget(), num_kept=3)

    def teach(example: Example) -> Lesson:
        taught.append(example)
        return teacher.teach(example)

    return teach


def test_lessons_come_back_as_they_were_taught(
    tmp_path: Path, teach: Callable[[Example], Lesson], taught: list[Example]
) -> None:
    examples, done = make_examples(70), list[int]()
    first = LessonStore(tmp_path, COURSE).complete(examples, teach, done.append)
    assert done == [64, 70]
    again = LessonStore(tmp_path, COURSE).complete(examples, teach, done.append)
    assert len(taught) == 70
    assert len(again) == 70
    for lesson, kept in zip(first, again, strict=True):
        assert lesson.prompt_ids.tolist() == kept.prompt_ids.tolist()
        assert lesson.likely_ids.tolist() == kept.likely_ids.tolist()
        assert lesson.log_probabilities.tolist() == kept.log_probabilities.tolist()


def test_a_killed_run_goes_on_after_the_last_whole_part(
    tmp_path: Path, teach: Callable[[Example], Lesson], taught: list[Example]
) -> None:
    def die_late(example: Example) -> Lesson:
        if len(taught) == 100:
            raise KeyboardInterrupt
        return teach(example)

    with pytest.raises(KeyboardInterrupt):
        LessonStore(tmp_path, COURSE).complete(make_examples(130), die_late, print)
    lessons = LessonStore(tmp_path, COURSE).complete(make_examples(130), teach, print)
    assert len(lessons) == 130
    assert len(taught) == 100 + 130 - 64


def test_more_examples_add_to_the_last_part_and_fewer_take_less(
    tmp_path: Path, teach: Callable[[Example], Lesson], taught: list[Example]
) -> None:
    store = LessonStore(tmp_path, COURSE)
    store.complete(make_examples(10), teach, print)
    assert len(store.complete(make_examples(12), teach, print)) == 12
    assert len(store.complete(make_examples(5), teach, print)) == 5
    assert len(taught) == 12


def test_lessons_of_other_texts_are_refused(
    tmp_path: Path, teach: Callable[[Example], Lesson]
) -> None:
    store = LessonStore(tmp_path, COURSE)
    store.complete(make_examples(3), teach, print)
    with pytest.raises(DocumentError, match="cannot be used") as refusal:
        store.complete([Example((1, 2), (3, 3, 3))], teach, print)
    assert refusal.value.cause == "00000.npz holds lessons of other texts"


def test_a_folder_of_another_course_is_refused(tmp_path: Path) -> None:
    LessonStore(tmp_path, COURSE)
    with pytest.raises(DocumentError, match="cannot be used") as refusal:
        LessonStore(tmp_path, replace(COURSE, target="qwen"))
    assert refusal.value.cause == "its target is 'gemma', not 'qwen'"


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"[]"])
def test_a_damaged_part_is_refused(
    tmp_path: Path, teach: Callable[[Example], Lesson], damage: bytes
) -> None:
    store = LessonStore(tmp_path, COURSE)
    store.complete(make_examples(3), teach, print)
    (tmp_path / "00000.npz").write_bytes(damage)
    with pytest.raises(DocumentError) as refusal:
        store.complete(make_examples(3), teach, print)
    assert refusal.value.cause == "00000.npz is damaged"


@pytest.mark.parametrize("head", [b"", b"[]", b"\xff"])
def test_a_damaged_head_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "lessons.json").write_bytes(head)
    with pytest.raises(DocumentError, match="cannot be used"):
        LessonStore(tmp_path, COURSE)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DocumentError, match="cannot be used"):
        LessonStore(tmp_path / "file" / "lessons", COURSE)
