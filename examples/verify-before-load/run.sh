#!/bin/sh
# A consumer's pipeline: nothing is loaded but a copy of verified bytes.
#
# Usage: run.sh MODEL PUBLISHER.pub
# The command is `modelseal`, or what MODELSEAL names.
set -eu
modelseal=${MODELSEAL:-modelseal}
model=$1
publisher=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if "$modelseal" verify "$model" --key "$publisher" --into "$work/verified" --quiet; then
    echo "loading from a verified copy:"
    # In place of this line: AutoModel.from_pretrained("$work/verified", local_files_only=True)
    (cd "$work/verified" && find . -type f | LC_ALL=C sort)
else
    status=$?
    case $status in
        1) echo "refused: this is not what the publisher signed" ;;
        130) echo "interrupted" ;;
        3) echo "no verdict: try again when the disk is well" ;;
        *) echo "the check itself is set up wrongly" ;;
    esac
    exit "$status"
fi
