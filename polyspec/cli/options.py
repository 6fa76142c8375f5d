"""Options that several commands share, and the settings made of them."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME|PATH", help="Model to use."),
]
Draft = Annotated[
    str | None,
    typer.Option(
        "--draft",
        metavar="NAME",
        help="Drafter: auto, none, table, source, history, memory, model or "
        "model:NAME|PATH.",
    ),
]
Memory = Annotated[
    bool | None,
    typer.Option(
        "--memory/--no-memory",
        help="Keep translations and learn from texts, on this machine, or do not.",
    ),
]
Reuse = Annotated[
    bool | None,
    typer.Option(
        "--reuse/--no-reuse",
        help="Take stored translations of identical sentences without the model.",
    ),
]
Fuzzy = Annotated[
    int | None,
    typer.Option(
        "--fuzzy", metavar="PERCENT", help="How similar a stored sentence must be."
    ),
]
Examples = Annotated[
    bool | None,
    typer.Option(
        "--examples/--no-examples",
        help="Show the model the most similar stored translation.",
    ),
]
Glossary = Annotated[
    Path | None,
    typer.Option(
        "--glossary", metavar="FILE", help="Terms to use: a .csv, .tsv or .tbx file."
    ),
]
History = Annotated[
    bool | None,
    typer.Option(
        "--history/--no-history", help="List the translation in the history, or do not."
    ),
]
Private = Annotated[
    bool,
    typer.Option("--private", help="Keep nothing of the text, wherever it may be."),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Give, to the letter, the text of plain decoding, segment by segment.",
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option("--temperature", help="0 takes the likeliest word; 1 draws freely."),
]
TopK = Annotated[
    int | None, typer.Option("--top-k", help="Draw among this many tokens; 0 for all.")
]
TopP = Annotated[
    float | None,
    typer.Option("--top-p", help="Draw among tokens of this much probability."),
]
MinP = Annotated[
    float | None,
    typer.Option("--min-p", help="Drop tokens below this share of the likeliest."),
]
RepetitionPenalty = Annotated[
    float | None,
    typer.Option("--repetition-penalty", help="Make repeated tokens less likely."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="The same seed draws the same text.")
]
GpuLayers = Annotated[
    int | None,
    typer.Option("--gpu-layers", help="Layers on the GPU; -1 for all, 0 for none."),
]
DraftGpuLayers = Annotated[
    int | None,
    typer.Option("--draft-gpu-layers", help="Layers of the draft model on the GPU."),
]
Threads = Annotated[int | None, typer.Option("--threads", help="Processor threads.")]
Context = Annotated[
    int | None, typer.Option("--ctx", help="Tokens that the model's memory holds.")
]
CacheType = Annotated[
    str | None,
    typer.Option("--kv-type", help="Number format of the model's memory, e.g. q8_0."),
]
Parallel = Annotated[
    int | None,
    typer.Option("--parallel", help="Segments decoded side by side; 1 for one by one."),
]
Stats = Annotated[
    bool,
    typer.Option("--stats", help="Say on standard error how fast it went, and why."),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Write who proposed each token to FILE.html or FILE.json.",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Of a folder, only files whose name or path fits; may be repeated.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Of a folder, no files whose name or path fits; may be repeated.",
    ),
]
CopyOthers = Annotated[
    bool,
    typer.Option(
        "--copy-others", help="Copy files of a folder that are of no known format."
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Decode the segments of so many documents of a folder side by side; of "
        "use for many short ones.",
    ),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch", help="Go on with what comes or changes in a folder, until Ctrl-C."
    ),
]
LineBuffered = Annotated[
    bool,
    typer.Option(
        "--line-buffered", help="Translate each line of a pipe as soon as it arrives."
    ),
]
Restart = Annotated[
    bool,
    typer.Option(
        "--restart", help="Begin anew where an earlier run of a file was stopped."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write the segments of a document that need a look to FILE.json, FILE.md "
        "or FILE.html.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="Write to a file, or folder."),
]
