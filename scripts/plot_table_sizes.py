"""Plots speed-up against size of tables, from the journal of `build_tables.py`.

Usage: python scripts/plot_table_sizes.py build/tables/sizes.jsonl

Writes docs/data/table-sizes.csv and one picture for each group of languages and each
tokenizer into docs/pictures/.
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GROUPS = {
    "eleven": "ber grn chr zgh que oci npi yor haw ibo amh",
    "west-european": "deu fra spa ita por nld eng",
    "east-european": "pol ukr rus tur",
    "asian": "ara hin zho jpn kor",
}
FIELDS = ("language", "model", "bytes", "cuda", "cpu")
DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write the figures and draw them."""
    lines = Path(sys.argv[1]).read_text("utf-8").splitlines()
    rows = [{name: row[name] for name in FIELDS} for row in map(json.loads, lines)]
    rows.sort(key=lambda row: (row["model"], row["language"], row["bytes"]))
    (DOCS / "data").mkdir(exist_ok=True)
    with (DOCS / "data/table-sizes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for model in sorted({row["model"] for row in rows}):
        for group, languages in GROUPS.items():
            of_model = [row for row in rows if row["model"] == model]
            draw(group, languages.split(), model, of_model)


def draw(
    group: str, languages: Sequence[str], model: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """One panel for each ladder, one line for each language."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    # Without these, the same figures would give another file each time.
    mpl.rcParams["svg.hashsalt"] = "polyspec"
    by_language = defaultdict(list)
    for row in rows:
        by_language[row["language"]].append(row)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True)
    for panel, ladder in zip(panels, ("cuda", "cpu"), strict=True):
        for language in languages:
            points = by_language[language]
            panel.plot(
                [point["bytes"] / 1000 for point in points],
                [point[ladder] for point in points],
                marker="o",
                markersize=3,
                label=language,
            )
        panel.set(xscale="log", xlabel="size (kB)", title=f"{ladder} ladder")
        panel.axhline(1.0, color="grey", linewidth=0.5)
    panels[0].set_ylabel("speed-up on held-out text")
    panels[1].legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(f"{group}, tokenizer of {model}")
    figure.tight_layout()
    path = DOCS / f"pictures/table-sizes-{group}-{model.partition('-')[0]}.svg"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
