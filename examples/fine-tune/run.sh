#!/bin/sh
# A model is tuned from another one. Who signed it is half of the answer, how it was made the other: what a policy says that
# asks for both, and what it says when a link of the chain breaks.
#
# Usage: run.sh
# The command is `modelseal`, or what MODELSEAL names. With MODELSEAL_STACK, the directory of a private Sigstore, the tuned
# model and its provenance are signed by a workflow under certificates of Fulcio; without it, by keys. Nothing is left behind.
set -eu
modelseal=$(command -v "${MODELSEAL:-modelseal}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n# %s\n' "$*"; }

# Shows a command, runs it, and insists on its exit code.
expect() {
    code=$1
    shift
    printf '$ modelseal %s\n' "$*"
    found=0
    "$modelseal" "$@" 2>&1 || found=$?
    [ "$found" -eq "$code" ] || { printf 'expected exit code %s, found %s\n' "$code" "$found"; exit 99; }
}

# model DIRECTORY WEIGHTS
model() {
    mkdir -p "$1"
    printf '{"model_type": "toy"}\n' > "$1/config.json"
    printf '%s\n' "$2" > "$1/model.safetensors"
}

# The job of a CI system: what it would have in its environment.
in_job() {
    env GITHUB_ACTIONS=true GITHUB_SERVER_URL=https://github.com GITHUB_REPOSITORY=acme/models \
        GITHUB_REPOSITORY_ID=777 GITHUB_REPOSITORY_OWNER_ID=4242 GITHUB_REF=refs/heads/main \
        GITHUB_SHA=9f2c1f3e0b7a4d5c8e6f1a2b3c4d5e6f7a8b9c0d GITHUB_EVENT_NAME=push GITHUB_RUN_ID=5150 GITHUB_RUN_ATTEMPT=1 \
        GITHUB_WORKFLOW_REF=acme/models/.github/workflows/release.yml@refs/heads/main RUNNER_ENVIRONMENT=github-hosted "$@"
}

if [ -n "${MODELSEAL_STACK:-}" ]; then
    of_stack() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$MODELSEAL_STACK/stack.json"; }
    cp "$MODELSEAL_STACK/trusted_root.json" "$MODELSEAL_STACK/client_trust_config.json" .
    token() {
        curl -sS --fail -H 'Content-Type: application/json' "$(of_stack issuer)/mint" --data '{"issuer": "gh"}' > token
    }
    # as_workflow COMMAND MODEL OPTIONS...
    as_workflow() {
        token
        command=$1 target=$2
        shift 2
        printf '$ modelseal %s %s %s     # in the workflow of acme\n' "$command" "$target" "$*"
        in_job "$modelseal" "$command" "$target" "$@" --identity-token-file token --trust-config client_trust_config.json --yes --quiet
    }
    cat > acme.toml <<TOML
trusted-root = "trusted_root.json"

[[publishers.acme.sigstore]]
issuer = "$(of_stack github_issuer)"
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/*"
claims = { source-owner-id = "4242" }
TOML
else
    "$modelseal" keygen --out acme.key --quiet
    as_workflow() {
        command=$1 target=$2
        shift 2
        printf '$ modelseal %s %s %s     # in the workflow of acme\n' "$command" "$target" "$*"
        in_job "$modelseal" "$command" "$target" "$@" --key acme.key --quiet
    }
    cat > acme.toml <<'TOML'
[publishers.acme]
keys = ["acme.key.pub"]
TOML
fi

say "meta releases a model"
"$modelseal" keygen --out meta.key --quiet
model base "weights of the base model"
expect 0 sign base --key meta.key --name hf://meta/base --release 1.0.0 --quiet

say "acme writes down what it builds on"
cat > bases.toml <<'TOML'
version = 1
serial = 1
expires = 2099-01-01

[publishers.meta]
keys = ["meta.key.pub"]

[[rules]]
scope = "hf://meta/*"
signed-by = { any = ["meta"] }
bind-name = true
TOML

say "In its workflow, acme tunes the model, signs it, and attests what it was made from"
model tuned "weights of the base model, tuned"
as_workflow sign tuned --name hf://acme/tuned --release 1.0.0
as_workflow attest tuned --provenance --from-ci --base-model hf://meta/base=base --base-policy bases.toml

say "A registry asks for both: acme's signature, and a build of acme's workflow from a base model of meta"
{
    printf 'version = 1\nserial = 1\nexpires = 2099-01-01\n'
    cat acme.toml
    sed -n '/^\[publishers.meta/,$p' bases.toml
    cat <<'TOML'

[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme"] }
bind-name = true

[[rules.attestations]]
type = "provenance"
signed-by = { any = ["acme"] }
builder = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/*"
source = "https://github.com/acme/models"
source-ref = "refs/heads/main"
dependencies = { of = ["hf://meta/*"] }
build-level = 2
TOML
} > policy.toml
expect 0 verify tuned --policy policy.toml --as hf://acme/tuned --tree

say "Its verdict, signed, is enough for those who trust the registry"
"$modelseal" keygen --out registry.key --quiet
expect 0 verify tuned --policy policy.toml --as hf://acme/tuned --quiet \
    --emit-vsa tuned.vsa.json --verifier-id https://registry.example/verifier --key registry.key
cat > consumer.toml <<TOML
version = 1
serial = 1
expires = 2099-01-01

[publishers.registry]
keys = ["registry.key.pub"]

[[rules]]
scope = "hf://*"

[[rules.summaries]]
signed-by = "registry"
verifier = "https://registry.example/verifier"
policies = ["sha256:$(sha256sum < policy.toml | cut -c 1-64)"]
max-age = "7d"
TOML
expect 0 verify tuned --policy consumer.toml --as hf://acme/tuned --bundle tuned.vsa.json

# broken NAME [LINE]: a copy of the tuned model, without a line of its claims: 1 is acme's release, 2 the release of the base
# model, 3 its signature, and 4 the provenance.
broken() {
    cp -r tuned "$1"
    [ $# -eq 1 ] || sed -i "$2d" "$1/claims.jsonl"
}

say "A link breaks: nobody says how it was made"
broken no-provenance 4
expect 1 verify no-provenance --policy policy.toml --as hf://acme/tuned

say "A link breaks: the signature of the base model was left away"
broken no-base 3
expect 1 verify no-base --policy policy.toml --as hf://acme/tuned

say "A link breaks: nobody of meta says that these bytes are hf://meta/base"
broken no-name 2
expect 1 verify no-name --policy policy.toml --as hf://acme/tuned

say "A link breaks: the provenance of another model"
model other "weights of somebody"
as_workflow sign other --name hf://acme/tuned --release 1.1.0
sed -n '2,4p' tuned/claims.jsonl >> other/claims.jsonl
expect 1 verify other --policy policy.toml --as hf://acme/tuned

say "A link breaks: somebody else attests the same"
"$modelseal" keygen --out mallory.key --quiet
broken other-attestor 4
in_job "$modelseal" attest other-attestor --provenance --from-ci --base-model hf://meta/base=base --base-policy bases.toml \
    --key mallory.key --quiet
expect 1 verify other-attestor --policy policy.toml --as hf://acme/tuned

say "A link breaks: it was tuned from a model of somebody whom the policy does not name"
model fake "weights with a back door"
expect 0 sign fake --key mallory.key --name hf://mallory/base --release 1.0.0 --quiet
sed 's/meta/mallory/g' bases.toml > careless.toml
model tuned-fake "weights with a back door, tuned"
as_workflow sign tuned-fake --name hf://acme/tuned --release 1.2.0
as_workflow attest tuned-fake --provenance --from-ci --base-model hf://mallory/base=fake --base-policy careless.toml
expect 1 verify tuned-fake --policy policy.toml --as hf://acme/tuned

say "A link breaks: the weights were changed afterwards"
broken changed
printf 'weights with a back door\n' > changed/model.safetensors
expect 1 verify changed --policy policy.toml --as hf://acme/tuned
