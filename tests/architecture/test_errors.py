"""Every error for the user's eyes says why, or what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import polyspec
from polyspec import errors
from polyspec.errors import PolySpecError

PACKAGE = Path(polyspec.__file__).parent


def kinds(parent: type[PolySpecError]) -> Iterator[type[PolySpecError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from kinds(child)


NAMES = {kind.__name__ for kind in kinds(PolySpecError)}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every place that makes one of our errors."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called_name(node) in NAMES:
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_every_error_has_a_cause_or_a_remedy() -> None:
    silent = [
        place
        for place, call in calls()
        if not {"cause", "remedy"} & {keyword.arg for keyword in call.keywords}
    ]
    assert silent == []


def test_problems_are_lower_case_without_a_full_stop() -> None:
    wrong = []
    for place, call in calls():
        match call.args:
            case [ast.Constant(value=str(text))]:
                if text.endswith((".", "!")) or text[:2].istitle():
                    wrong.append(f"{place}: {text}")
    assert wrong == []


def test_every_kind_is_in_the_tree_with_its_status() -> None:
    assert errors.__doc__ is not None
    for name in NAMES:
        assert name in errors.__doc__
    statuses = {kind.exit_code for kind in kinds(PolySpecError)}
    assert statuses == {1, 2, 3, 4, 5, 6, 7, 8}
