#!/bin/sh
# A registry's gate: every directory below INBOX is admitted, or refused with the reason, one line each.
#
# Usage: run.sh INBOX PUBLISHER.pub
# The command is `modelseal`, or what MODELSEAL names. Exit code 1 when anything was refused.
set -eu
modelseal=${MODELSEAL:-modelseal}
refused=0
for model in "$1"/*/; do
    model=${model%/}
    status=0
    report=$("$modelseal" verify "$model" --key "$2" --strict --format json) || status=$?
    if [ "$status" -eq 0 ]; then
        echo "admit   ${model##*/}"
    else
        code=$(printf '%s\n' "$report" | sed -n 's/.*"code": "\([a-z-]*\)".*/\1/p' | head -n 1)
        echo "refuse  ${model##*/}  ($code)"
        refused=1
    fi
done
exit "$refused"
