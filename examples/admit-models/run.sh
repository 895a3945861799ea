#!/bin/sh
# A registry's gate: every model directory in INBOX is admitted, or refused with the reason, one line each.
#
# Usage: run.sh INBOX PUBLISHER.pub
# The command is `modelseal`, or what MODELSEAL names. Exit code 1 when anything was refused, and that of modelseal,
# at once, when the gate itself does not work.
set -eu
modelseal=${MODELSEAL:-modelseal}
refused=0
for model in "$1"/*/; do
    [ -d "$model" ] || continue
    model=${model%/}
    name=${model##*/}
    # What admits a name must be able to say it: no line breaks, escapes or other tricks.
    case $name in *[!A-Za-z0-9._-]*)
        printf 'refuse  a directory whose name holds unusual characters  (name)\n'
        refused=1
        continue
        ;;
    esac
    status=0
    report=$("$modelseal" verify "$model" --key "$2" --strict --format json) || status=$?
    code=$(printf '%s\n' "$report" | sed -n 's/.*"code": "\([a-z-]*\)".*/\1/p' | head -n 1)
    case $status in
        0) printf 'admit   %s\n' "$name" ;;
        1) printf 'refuse  %s  (%s)\n' "$name" "$code" && refused=1 ;;
        *) printf 'no verdict on %s: %s\n' "$name" "$report" >&2 && exit "$status" ;;
    esac
done
exit "$refused"
