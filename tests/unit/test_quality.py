"""Scores of translations, and the file they are kept in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sacrebleu

from polyspec.benchmarks.hypotheses import (
    Hypothesis,
    HypothesisFile,
    read_hypotheses,
)
from polyspec.benchmarks.quality import (
    find_pair_files,
    format_markdown,
    format_quality,
    mean_rows,
    read_pair_set,
    require_sacrebleu,
    score,
)
from polyspec.errors import DocumentError, UsageError
from polyspec.languages import find_language

GERMAN = find_language("deu")
TEXTS = (
    Hypothesis("tiny", "tiny.1", "deu", "The cat.", "Die Katze.", "Die Katze."),
    Hypothesis(
        "tiny", "tiny.1", "deu", "A dog sleeps.", "Ein Hund schläft.", "Ein Hund."
    ),
)


def test_scores_are_those_of_sacrebleu() -> None:
    row = score("tiny", GERMAN, TEXTS)
    texts, references = (
        [each.text for each in TEXTS],
        [[each.reference for each in TEXTS]],
    )
    assert row.chrf.value == sacrebleu.corpus_chrf(texts, references).score
    plus = sacrebleu.corpus_chrf(texts, references, word_order=2)
    assert row.chrf_plus.value == plus.score
    assert row.bleu.value == sacrebleu.corpus_bleu(texts, references).score
    assert row.num_texts == 2
    assert "nc:6" in row.chrf.signature
    assert "nw:2" in row.chrf_plus.signature
    assert "tok:13a" in row.bleu.signature


def test_languages_without_spaces_are_cut_into_characters() -> None:
    text = replace(TEXTS[0], language="zho", reference="猫在睡觉。", text="猫在睡觉。")
    row = score("tiny", find_language("zho"), [text])
    assert row.bleu.value == pytest.approx(100)
    assert "tok:zh" in row.bleu.signature


def test_the_report_has_means_and_each_signature_once() -> None:
    rows = [score("tiny", find_language(code), TEXTS) for code in ("deu", "fra", "jpn")]
    (mean,) = mean_rows(rows)
    assert mean["num_languages"] == 3
    assert mean["chrf"] == round(sum(row.chrf.value for row in rows) / 3, 2)
    text = format_quality(rows)
    assert "mean of 3" in text
    assert text.count("nw:2") == 1
    assert "BLEU (deu, fra)" in text
    assert "BLEU (jpn)" in text
    assert format_markdown(rows).startswith("| model | language |")
    assert mean_rows(rows[:1]) == []


def test_a_missing_library_is_told_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        require_sacrebleu()
    assert "polyspec[bench]" in caught.value.remedy


def test_pairs_are_read_by_the_name_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "deu.tsv"
    path.write_text("One.\tEins.\nTwo\u2028lines.\tZwei.\n", encoding="utf-8")
    found = read_pair_set(path, None)
    assert found.language == GERMAN
    assert found.pairs == (("One.", "Eins."), ("Two lines.", "Zwei."))
    assert len(read_pair_set(path, 1).pairs) == 1
    assert find_pair_files([tmp_path, path]) == [path, path]


def test_pairs_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        find_pair_files([tmp_path])
    nameless = tmp_path / "sentences.tsv"
    nameless.write_text("One.\tEins.\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_pair_set(nameless, None)
    assert "deu.tsv" in caught.value.remedy
    empty = tmp_path / "deu.tsv"
    empty.write_text("\n", encoding="utf-8")
    with pytest.raises(DocumentError):
        read_pair_set(empty, None)


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first = HypothesisFile(path)
    first.add(TEXTS[0])
    first.flush()
    pairs = [(each.source, each.reference) for each in TEXTS]
    assert HypothesisFile(path).find("tiny.1", "deu", pairs) == [TEXTS[0], None]
    assert HypothesisFile(path).find("tiny.2", "deu", pairs) == [None, None]
    assert read_hypotheses(path) == [TEXTS[0]]


def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    kept = HypothesisFile(path)
    for each in TEXTS:
        kept.add(each)
    kept.flush()
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: len(whole) - 20], encoding="utf-8")
    again = HypothesisFile(path)
    assert read_hypotheses(path) == [TEXTS[0]]
    again.add(TEXTS[1])
    again.flush()
    assert path.read_text(encoding="utf-8") == whole


@pytest.mark.parametrize("text", ["[]\n", "{}\n", '{"model": 1}\n', "\x80", "[" * 9000])
def test_another_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DocumentError):
        HypothesisFile(path)
    assert path.read_bytes() == text.encode("latin-1")


def test_half_characters_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    fields = {name: getattr(TEXTS[0], name) for name in TEXTS[0].__slots__}
    path.write_text(json.dumps({**fields, "text": "a\udc80"}), encoding="utf-8")
    assert score("tiny", GERMAN, read_hypotheses(path)).num_texts == 1
