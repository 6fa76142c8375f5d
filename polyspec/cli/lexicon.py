"""`polyspec tables lexicon`: which words translate which, from pairs of sentences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polyspec.tables.lexicon import LexiconInfo
    from polyspec.tables.lexicon_builder import BuiltLexicon, SentencePair


def lexicon(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Pairs of sentences, .tsv, .tsv.gz or .tsv.zst: source in the first "
            "column, translation in the last.",
        ),
    ],
    language: Annotated[str, typer.Option(help="Language of the translations.")],
    from_: Annotated[
        str, typer.Option("--from", metavar="LANGUAGE", help="Language of the sources.")
    ] = "en",
    licence: Annotated[
        list[str] | None,
        typer.Option(help="Licence of the pairs: one for all, or one for each file."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Hold out some pairs, and with them fit how to draft with this "
            "model's tokenizer and measure what that gains."
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="The table to fit beside, which must not know the pairs; otherwise "
            "that of the language."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The lexicon; otherwise in your tables."),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=4096, help="Size of the lexicon at most.")
    ] = 250_000,
) -> None:
    """Build a lexicon, by which the sentence being translated guides the drafts.

    It serves every tokenizer. Translation takes it wherever the table of the language
    drafts.

    Example: polyspec tables lexicon pairs.tsv --from en --language yor
    --model gemma-3-270m
    """
    from polyspec.languages import find_language
    from polyspec.tables.builder import name_corpora
    from polyspec.tables.lexicon import write_lexicon
    from polyspec.tables.lexicon_builder import (
        LexiconRequest,
        build_lexicon,
        hold_out,
        read_all_pairs,
    )
    from polyspec.tables.lexicon_store import own_lexicon_path

    source, target = find_language(from_).code, find_language(language).code
    corpora = name_corpora(files, licence or ["unknown"])
    with diagnostics.progress(f"building the {source}-{target} lexicon", None) as bar:
        bar.stage("reading")
        pairs = read_all_pairs(corpora)
        kept, held_out = hold_out(pairs) if model else (pairs, [])
        request = LexiconRequest(source, target, corpora, max_bytes, bar.stage)
        built = build_lexicon(request, kept)
        info = built.info
        if model:
            bar.stage("fitting")
            info = _fit(built, model, table, held_out)
        path = out or own_lexicon_path(source, target)
        info = write_lexicon(path, info, built.entries)
    diagnostics.note(_describe(info))
    output.write_line(str(path))


def _fit(
    built: "BuiltLexicon",
    model: str,
    table: str | None,
    held_out: "Sequence[SentencePair]",
) -> "LexiconInfo":
    from polyspec.benchmarks.lexicon_gain import fit_lexicon
    from polyspec.catalog.adapters import read_base_header
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import tokenizer_fingerprint
    from polyspec.tables.encoder import make_encoder
    from polyspec.tables.reader import Table
    from polyspec.tables.store import find_table, open_table_for

    header = read_base_header(find_model(model))
    fingerprint, target = tokenizer_fingerprint(header), built.info.target
    if table is None:
        beside = open_table_for(target, fingerprint, model)
    else:
        beside = Table(find_table(table))
    with beside:
        beside.require_match(fingerprint, model)
        encoder = make_encoder(header)
        return fit_lexicon(built.info, built.entries, beside, encoder, held_out)


def _describe(info: "LexiconInfo") -> str:
    text = f"{info.num_words} words with {info.num_entries} translations"
    if not info.gain:
        return text
    return f"{text}; {info.gain:.3f} times as fast as with the table alone"
