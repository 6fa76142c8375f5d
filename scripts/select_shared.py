"""Choose the pairs of a text that was translated into many languages, from mixed files.

    python scripts/select_shared.py parallel/{deu,fra,spa,ita,por}.tsv.zst --least 4 \
      --without parallel/nld.tsv.zst -o shared/

Of each file those pairs are kept whose English side at least so many of the files have,
and none of the others: a corpus of which it is known into what it was translated. The
first translation of a sentence is taken.
"""

import argparse
from collections import Counter
from pathlib import Path

from polyspec.tables.corpus import read_pairs


def main() -> None:
    """Write one file for each, `deu.shared.tsv` for `deu.tsv.zst`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--least", type=int, required=True, help="of the files")
    parser.add_argument("--without", type=Path, action="append", default=[])
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder")
    arguments = parser.parse_args()
    translations = {path: _first_translations(path) for path in arguments.files}
    counts = Counter(source for known in translations.values() for source in known)
    for path in arguments.without:
        for source, _ in read_pairs(path):
            counts.pop(source, None)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for path, known in translations.items():
        name = path.name.partition(".tsv")[0]
        lines = [
            f"{source}\t{target}\n"
            for source, target in known.items()
            if counts[source] >= arguments.least
        ]
        out = arguments.output / f"{name}.shared.tsv"
        out.write_text("".join(lines), "utf-8")
        print(f"{out}: {len(lines)} pairs")


def _first_translations(path: Path) -> dict[str, str]:
    known: dict[str, str] = {}
    for source, target in read_pairs(path):
        known.setdefault(source, target)
    return known


if __name__ == "__main__":
    main()
