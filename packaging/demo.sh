#!/bin/sh
# Translates the sample into two languages and writes a short story.
# `make demo` runs it with everything installed.
set -eu
cd "$(dirname "$0")/.."

translator=${POLYSPEC_DEMO_TRANSLATOR:-gemma-3-270m-translate}
writer=${POLYSPEC_DEMO_WRITER:-qwen2.5-coder-1.5b-instruct}

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

printf 'The sample, docs/samples/library.txt:\n\n'
cat docs/samples/library.txt

show polyspec translate --model "$translator" --from en --to fr --in docs/samples/library.txt
show polyspec translate --model "$translator" --from en --to de --in docs/samples/library.txt
show polyspec story --model "$writer" --language en --words 120 --seed 7 \
    --theme "a librarian who finds a letter in a returned book"
