"""How near translations come to references: chrF, chrF++ and BLEU, by sacrebleu.

chrF: Popović, WMT 2015; chrF++: Popović, WMT 2017; BLEU: Papineni et al., ACL 2002, as
sacrebleu computes it (Post, WMT 2018). A score is told with its signature, without
which it cannot be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from polyspec.benchmarks.hypotheses import Hypothesis
from polyspec.benchmarks.report import format_table
from polyspec.errors import DocumentError, UsageError
from polyspec.languages import Language, find_language
from polyspec.tables.corpus import read_pairs
from polyspec.translation.pipeline import TranslatedSegment

if TYPE_CHECKING:
    from polyspec.translator import Translator

_BLEU_TOKENIZERS = {"zho": "zh", "jpn": "char"}
"""What cuts words where no spaces do; `13a` elsewhere."""
_HEADINGS = ("model", "language", "texts", "chrF", "chrF++", "BLEU")


@dataclass(frozen=True, slots=True)
class PairSet:
    """English sentences and their translations by people."""

    path: Path
    language: Language
    """Of the translations."""
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A figure and how it was computed."""

    value: float
    """`0..100`."""
    signature: str


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One model and language."""

    model: str
    language: str
    num_texts: int
    chrf: Score
    chrf_plus: Score
    """chrF++, which also counts words and pairs of words."""
    bleu: Score

    def as_fields(self) -> dict[str, object]:
        """The row as the last line of the report gives it."""
        return {
            "model": self.model,
            "language": self.language,
            "num_texts": self.num_texts,
            "chrf": round(self.chrf.value, 2),
            "chrf++": round(self.chrf_plus.value, 2),
            "bleu": round(self.bleu.value, 2),
            "signatures": {
                "chrf": self.chrf.signature,
                "chrf++": self.chrf_plus.signature,
                "bleu": self.bleu.signature,
            },
        }


def require_sacrebleu() -> None:
    """Refuse to score where nothing can.

    Raises:
        UsageError: sacrebleu is not installed.
    """
    from importlib.util import find_spec

    if find_spec("sacrebleu") is None:
        raise UsageError(
            "translations cannot be scored",
            cause="sacrebleu is not installed",
            remedy='install it with: pip install "polyspec[bench]"',
        )


def find_pair_files(paths: Iterable[Path]) -> list[Path]:
    """The files of pairs that are named, those of a folder by name.

    Raises:
        DocumentError: A folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.tsv")) if path.is_dir() else [path]
        if not found:
            raise DocumentError(
                f"there are no pairs in {path}",
                cause="it holds no .tsv file",
                remedy="name a folder of <language>.tsv files, or the files themselves",
            )
        files += found
    return files


def read_pair_set(path: Path, limit: int | None) -> PairSet:
    """The first pairs of a file that is named after its language, such as `deu.tsv`.

    Raises:
        UsageError: Its name is that of no language.
        TableError: It cannot be read, or holds no pairs.
    """
    try:
        language = find_language(path.name.partition(".")[0])
    except UsageError as error:
        raise UsageError(
            f"it is not known in which language {path} is",
            cause=error.problem,
            remedy="name the file after it, for example deu.tsv",
        ) from error
    # A line break of any kind within a text would make two lines of it.
    pairs = tuple(
        (" ".join(source.split()), target) for source, target in read_pairs(path)
    )
    if not pairs:
        raise DocumentError(
            f"there is nothing to translate in {path}",
            cause="it holds no pair of texts",
            remedy="name a .tsv with English first and its translation last",
        )
    return PairSet(path, language, pairs[:limit])


def translate_lines(
    translator: "Translator", lines: Sequence[str], language: Language
) -> Iterator[str]:
    """The translation of each English line, in order, many of them side by side."""
    events = translator.translate(
        (f"{line}\n" for line in lines),
        to=language.tag,
        from_="en",
        is_streaming=False,
    )
    written = ""
    with closing(events):
        for event in events:
            if isinstance(event, TranslatedSegment):
                written += event.output
                if event.segment.is_line_end:
                    yield written.strip()
                    written = ""


def score(
    model: str, language: Language, hypotheses: Sequence[Hypothesis]
) -> QualityRow:
    """Compare the translations of one model into one language with the references."""
    from sacrebleu.metrics import BLEU, CHRF

    texts = [each.text for each in hypotheses]
    references = [[each.reference for each in hypotheses]]

    def judge(metric: CHRF | BLEU) -> Score:
        found = metric.corpus_score(texts, references)
        return Score(float(found.score), str(metric.get_signature()))

    tokenizer = _BLEU_TOKENIZERS.get(language.code, "13a")
    return QualityRow(
        model,
        language.code,
        len(hypotheses),
        judge(CHRF()),
        judge(CHRF(word_order=2)),
        judge(BLEU(tokenize=tokenizer)),
    )


def mean_rows(rows: Sequence[QualityRow]) -> list[dict[str, object]]:
    """Means over the languages of each model that has several."""
    means: list[dict[str, object]] = []
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        if len(own) > 1:
            means.append(
                {
                    "model": model,
                    "num_languages": len(own),
                    "num_texts": sum(row.num_texts for row in own),
                    "chrf": round(fmean(row.chrf.value for row in own), 2),
                    "chrf++": round(fmean(row.chrf_plus.value for row in own), 2),
                    "bleu": round(fmean(row.bleu.value for row in own), 2),
                }
            )
    return means


def format_quality(rows: Sequence[QualityRow]) -> str:
    """The table for a terminal, with the signatures below it."""
    return "\n\n".join([format_table(_HEADINGS, _cells(rows)), _signatures(rows)])


def format_markdown(rows: Sequence[QualityRow]) -> str:
    """The same as Markdown."""
    lines = [_HEADINGS, ["---"] * len(_HEADINGS), *_cells(rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{_signatures(rows)}\n"


def _cells(rows: Sequence[QualityRow]) -> list[list[str]]:
    cells = [
        [
            row.model,
            row.language,
            str(row.num_texts),
            f"{row.chrf.value:.1f}",
            f"{row.chrf_plus.value:.1f}",
            f"{row.bleu.value:.1f}",
        ]
        for row in rows
    ]
    for mean in mean_rows(rows):
        figures = [f"{mean[name]:.1f}" for name in ("chrf", "chrf++", "bleu")]
        languages = f"mean of {mean['num_languages']}"
        cells.append([str(mean["model"]), languages, str(mean["num_texts"]), *figures])
    return cells


def _signatures(rows: Sequence[QualityRow]) -> str:
    """Each signature once, with the languages it holds for where they differ."""
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        named = (("chrF", row.chrf), ("chrF++", row.chrf_plus), ("BLEU", row.bleu))
        for name, found in named:
            languages = lines.setdefault((name, found.signature), [])
            if row.language not in languages:
                languages.append(row.language)
    return "\n".join(
        f"{name} ({', '.join(languages)}): {signature}"
        for (name, signature), languages in sorted(lines.items())
    )
