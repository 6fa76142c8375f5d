"""What every test has: a home of its own, no network, no colours."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from polyspec import paths

settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Resolved before any test moves the home away.
_TEST_MODELS = Path(os.environ.get("POLYSPEC_TEST_MODELS") or paths.models_dir())

_NETWORK = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
    }
)


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in _NETWORK:
        raise AssertionError(f"a test used the network: {event} {arguments[1:]}")


sys.addaudithook(_refuse_network)


# A shell that starts the tests in the background has them ignore these signals, and
# so would every program that a test starts and interrupts.
if os.name == "posix":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Give the test a home and an environment that nobody else sees."""
    home = tmp_path_factory.mktemp("home")
    for name in os.environ:
        if name.startswith(("POLYSPEC_", "_POLYSPEC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("POLYSPEC_HOME", str(home / "polyspec"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERM", raising=False)
    if request.node.get_closest_marker("model"):
        monkeypatch.setenv("POLYSPEC_MODELS_DIR", str(_TEST_MODELS))


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """Take back what a command wrote into the environment."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where the models of tests marked `model` lie."""
    return _TEST_MODELS
