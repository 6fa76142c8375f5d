"""Which documents of a folder are done, on disk, while the folder is not."""

import json
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path


class DoneFiles:
    """The documents that are done, with what their translations depend on."""

    def __init__(self, target: Path, *, is_anew: bool) -> None:
        from polyspec.paths import state_dir
        from polyspec.translator.job_facts import job_name

        self._path = state_dir() / "jobs" / f"{job_name(target)}.files.jsonl"
        self._target = target
        self._done: dict[str, str] = {}
        if is_anew:
            self.remove()
        with suppress(OSError):
            for line in self._path.read_bytes().splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    fields = json.loads(line)
                    self._done[fields["path"]] = fields["facts"]

    def holds(self, path: Path, facts: dict[str, str]) -> bool:
        """Whether a file was translated with these facts and is still there."""
        is_same = self._done.get(path.as_posix()) == _digest(facts)
        return is_same and (self._target / path).is_file()

    def add(self, path: Path, facts: dict[str, str]) -> None:
        """Note that a file is done."""
        fields = {"path": path.as_posix(), "facts": _digest(facts)}
        self._done[fields["path"]] = fields["facts"]
        # What cannot be noted is only done twice.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(b"\n" + json.dumps(fields).encode() + b"\n")

    def remove(self) -> None:
        """Forget it all."""
        with suppress(OSError):
            self._path.unlink()


def _digest(facts: dict[str, str]) -> str:
    text = json.dumps(facts, sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()
