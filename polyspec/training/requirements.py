"""What training needs besides the program itself."""

from importlib.util import find_spec

from polyspec.errors import UsageError


def require_libraries(*names: str) -> None:
    """Refuse to go on without libraries of the extra `train`.

    Raises:
        UsageError: One is not installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UsageError(
            "nothing can be trained here",
            cause=f"{' and '.join(missing)} cannot be found",
            remedy='pip install "polyspec[train]"',
        )
