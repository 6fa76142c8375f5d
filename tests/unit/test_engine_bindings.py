import re

import pytest

from polyspec.engine import bindings
from polyspec.errors import EngineError


def documented_codes() -> list[int]:
    """The return codes that llama.cpp documents, other than 0."""
    text = bindings.llama().llama_decode.__doc__
    codes = [int(code) for code in re.findall(r"^\s*(-?\d+) +- ", text, re.MULTILINE)]
    assert 0 in codes
    return [code for code in codes if code]


def test_every_documented_return_code_is_mapped() -> None:
    assert {1, 2, -1} <= set(documented_codes()) <= set(bindings.DECODE_RETURN_CODES)


def test_fatal_codes_are_mapped_as_well() -> None:
    assert re.search(r"< *-1 +- fatal", bindings.llama().llama_decode.__doc__)
    assert {-2, -3} <= set(bindings.DECODE_RETURN_CODES)


@pytest.mark.parametrize("code", [*bindings.DECODE_RETURN_CODES, -4, 3, -99])
def test_every_code_gives_an_error_with_cause_and_remedy(code: int) -> None:
    bindings.forget_log()
    error = bindings.decode_error(code)
    assert isinstance(error, EngineError)
    assert error.cause
    assert error.remedy


def test_an_unknown_code_is_named() -> None:
    bindings.forget_log()
    assert "-99" in bindings.decode_error(-99).cause


def test_without_a_complaint_the_default_is_given() -> None:
    bindings.forget_log()
    assert bindings.last_complaint("nothing was said") == "nothing was said"


def test_the_library_is_loaded_once() -> None:
    assert bindings.llama() is bindings.llama()


@pytest.mark.parametrize(
    ("value", "policy"), [("PASSIVE", "passive"), (None, "active")]
)
def test_the_wait_policy_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str | None, policy: str
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if value:
        monkeypatch.setenv("OMP_WAIT_POLICY", value)
    assert bindings.wait_policy() == policy
