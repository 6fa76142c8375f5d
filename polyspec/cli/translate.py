"""`polyspec translate`: text from arguments, a file or a pipe, in another language."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options
from polyspec.cli.document_choice import DocumentChoice
from polyspec.cli.document_job import DocumentJob, translate_document
from polyspec.cli.folder_files import FileFilter, require_folders
from polyspec.cli.folder_job import FolderJob, translate_folder, watch_folder
from polyspec.cli.line_job import translate_lines
from polyspec.cli.report_file import require_report_name
from polyspec.cli.text_job import translate_text
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document
    from polyspec.settings import Settings

_EXAMPLES = """\b
Examples:
  polyspec translate "The library opens at nine." --to fr
  polyspec translate --in letter.txt -o brief.txt --from en --to German
  polyspec translate --in manual.docx -o handbuch.docx --to de
  polyspec translate --in docs -o docs.fr --include "*.md" --to fr
  tail -f server.log | polyspec translate --line-buffered --to en --from ja
  cat notes.txt | polyspec translate --to yo --stats > notes.yo.txt
"""


def translate(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="The text; without it, --in or standard input."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="LANGUAGE", help="Language to translate into."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="LANGUAGE",
            help="Language of the text; auto, the default, finds it out.",
        ),
    ] = None,
    in_: Annotated[
        Path | None,
        typer.Option(
            "--in",
            metavar="FILE|FOLDER",
            help="Read the text of FILE, or all documents of FOLDER.",
        ),
    ] = None,
    output_file: options.OutputFile = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of --in, see polyspec formats; otherwise it is found out.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Columns of a table, by name or number, with commas."
        ),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERNS", help="Keys of JSON, YAML and the like, such as menu.*"
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the text that is read.")
    ] = None,
    model: options.Model = None,
    draft: options.Draft = None,
    memory: options.Memory = None,
    reuse: options.Reuse = None,
    fuzzy: options.Fuzzy = None,
    examples: options.Examples = None,
    glossary: options.Glossary = None,
    history: options.History = None,
    private: options.Private = False,
    exact: options.Exact = False,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    repetition_penalty: options.RepetitionPenalty = None,
    seed: options.Seed = None,
    gpu_layers: options.GpuLayers = None,
    draft_gpu_layers: options.DraftGpuLayers = None,
    threads: options.Threads = None,
    ctx: options.Context = None,
    kv_type: options.CacheType = None,
    parallel: options.Parallel = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    copy_others: options.CopyOthers = False,
    jobs: options.Jobs = 1,
    watch: options.Watch = False,
    line_buffered: options.LineBuffered = False,
    restart: options.Restart = False,
    report: options.Report = None,
    stats: options.Stats = False,
    trace_file: options.Trace = None,
    json: options.AsJson = False,
) -> None:
    """Translate a text or a document and keep what surrounds the words.

    Languages are codes or English names: fr, fra, French, pt-BR. Without --from, the
    language of the text is detected and named on standard error.
    """
    from polyspec.detection import AUTO
    from polyspec.languages import find_language
    from polyspec.settings import load_settings

    chosen = {
        "to": to,
        "from_": from_,
        "encoding": encoding,
        "model": model,
        "draft": draft,
        "memory": memory,
        "reuse": reuse,
        "fuzzy": fuzzy,
        "examples": examples,
        "glossary": None if glossary is None else str(glossary),
        "history": history,
        "private": private or None,
        "exact": exact or None,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "seed": seed,
        "gpu_layers": gpu_layers,
        "draft_gpu_layers": draft_gpu_layers,
        "threads": threads,
        "ctx": ctx,
        "kv_type": kv_type,
        "parallel": parallel,
    }
    settings = load_settings(chosen)
    if settings.to is None:
        raise UsageError(
            "no target language is named",
            remedy="pass --to CODE, for example --to fr",
        )
    for name in (settings.to, settings.from_):
        if name != AUTO:
            find_language(name)
    require_report_name(report)
    source = None if text or in_ is None or str(in_) == "-" else in_
    choice = DocumentChoice(format_, columns, keys, encoding)
    wants_lines = json or trace_file is not None
    if line_buffered:
        _refuse_if(
            bool(text or source or output_file or wants_lines or report),
            "--line-buffered goes from standard input to standard output only",
            "leave out --in, -o, --json, --trace and --report",
        )
        translate_lines(settings)
        return
    if source is not None and source.is_dir():
        _refuse_if(
            wants_lines,
            "--json and --trace do not go with a folder",
            "leave them out, or name a file",
        )
        folder = FolderJob(
            source,
            require_folders(source, output_file),
            choice,
            FileFilter(tuple(include or ()), tuple(exclude or ())),
            copy_others,
            restart,
            jobs,
        )
        if watch:
            watch_folder(settings, folder, report=report)
        else:
            translate_folder(settings, folder, has_stats=stats, report=report)
        return
    _refuse_if(
        bool(watch or include or exclude or copy_others or jobs > 1),
        "--watch, --include, --exclude, --copy-others and --jobs are for folders",
        "name a folder with --in",
    )
    if source is None or wants_lines:
        choice.require_text(source, wants_lines=wants_lines)
    elif not text:
        document = choice.open(source, settings)
        if choice.find_format(source).name != "text" or _can_go_on(
            document, settings, output_file
        ):
            job = DocumentJob(source, output_file, document, choice, is_anew=restart)
            translate_document(settings, job, has_stats=stats, report=report)
            return
    _refuse_if(
        report is not None,
        "--report lists segments of documents, and of texts that become a file",
        "name a file with --in and another one with -o",
    )
    _note_file_name(text or [])
    translate_text(
        settings,
        text or [],
        in_,
        output_file,
        trace_file=trace_file,
        has_stats=stats,
        as_json=json,
    )


translate.__doc__ = f"{translate.__doc__}\n\n{_EXAMPLES}"


def _refuse_if(is_wrong: bool, problem: str, remedy: str) -> None:
    if is_wrong:
        raise UsageError(problem, remedy=remedy)


def _note_file_name(text: list[str]) -> None:
    """Tell who passes a file as the text how its content is translated."""
    name = text[0] if len(text) == 1 else ""
    # A text may be longer than any name, or hold what no name can.
    with suppress(OSError, ValueError):
        if Path(name).suffix and Path(name).is_file():
            diagnostics.note(f"{name} is a file; to translate what is in it: --in")


def _can_go_on(
    document: "Document", settings: "Settings", output_file: Path | None
) -> bool:
    """Whether a plain text is translated like a document, with a journal.

    One that is shown while it is written, or that becomes UTF-8 on the way, is not.
    """
    from polyspec.documents.slots import TextDocument

    is_file = output_file is not None and str(output_file) != "-"
    is_utf8 = isinstance(document, TextDocument) and document.encoding == "utf-8"
    return is_file and is_utf8 and settings.encoding == "utf-8"
