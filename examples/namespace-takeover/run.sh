#!/bin/sh
# A name on a hub changes hands, and every signature stays valid. What a policy and a lock say of it.
#
# Usage: run.sh
# The command is `modelseal`, or what MODELSEAL names. With MODELSEAL_STACK, the directory of a private Sigstore, releases
# are signed by workflows under certificates of Fulcio; without it, by keys. Nothing is left behind.
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

if [ -n "${MODELSEAL_STACK:-}" ]; then
    of_stack() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$MODELSEAL_STACK/stack.json"; }
    cp "$MODELSEAL_STACK/trusted_root.json" "$MODELSEAL_STACK/client_trust_config.json" .
    # The same names each time; the numbers of the owner and the repository are what the hub's neighbour gives to nobody twice.
    token() {
        curl -sS --fail -H 'Content-Type: application/json' "$(of_stack issuer)/mint" --data \
            "{\"issuer\": \"gh\", \"claims\": {\"repository_owner_id\": \"$1\", \"repository_id\": \"$2\"}}"
    }
    # publish WHO MODEL OPTIONS...
    publish() {
        case $1 in acme) token 4242 777 > token ;; *) token 9999 1313 > token ;; esac
        who=$1 target=$2
        shift 2
        printf '$ modelseal sign %s %s     # in the workflow of %s\n' "$target" "$*" "$who"
        "$modelseal" sign "$target" "$@" --identity-token-file token --trust-config client_trust_config.json --yes --quiet
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
    "$modelseal" keygen --out mallory.key --quiet
    publish() {
        who=$1 target=$2
        shift 2
        printf '$ modelseal sign %s %s     # by %s\n' "$target" "$*" "$who"
        "$modelseal" sign "$target" "$@" --key "$who.key" --quiet
    }
    cat > acme.toml <<'TOML'
[publishers.acme]
keys = ["acme.key.pub"]
TOML
fi

say "acme releases a model"
model v1.1 "weights of 1.1"
model v1.2 "weights of 1.2"
publish acme v1.1 --name hf://acme/toy --release 1.1.0
publish acme v1.2 --name hf://acme/toy --release 1.2.0

say "A consumer writes down whom the name means, and locks what it is"
"$modelseal" keygen --out security.key --quiet
"$modelseal" deny add deny.toml --deny-file "sha256:$(printf 'a pickle with a shell inside\n' | sha256sum | cut -d ' ' -f 1)" \
    --reason "a pickle with a shell inside" --expires 30d --key security.key --quiet
{
    printf 'version = 1\nserial = 1\nexpires = 2099-01-01\n'
    cat acme.toml
    cat <<'TOML'

[publishers.security]
keys = ["security.key.pub"]

[deny-list]
file = "deny.toml"
signed-by = "security"

[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme"] }
continuity = "tofu"
bind-name = true
TOML
} > policy.toml
expect 0 lock add v1.2 --policy policy.toml --lock modelseal.lock --as hf://acme/toy
expect 0 verify v1.2 --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "The namespace is taken over: other weights, the same names, and a perfectly valid signature"
model takeover "weights with a back door"
publish mallory takeover --name hf://acme/toy --release 1.3.0
expect 1 verify takeover --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "A silent update: acme signs other bytes as the release that was out already"
model silent "weights of 1.2, retouched"
publish acme silent --name hf://acme/toy --release 1.2.0
expect 1 verify silent --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "A roll-back: somebody serves the release of last month"
expect 1 verify v1.1 --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "Another model of acme is passed off under this name"
model other "weights of another model"
publish acme other --name hf://acme/other --release 5.0.0
expect 1 verify other --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "A file that is known to be bad, inside of a model that acme signed anew"
model infected "weights of 1.3"
printf 'a pickle with a shell inside\n' > infected/tokenizer.bin
publish acme infected --name hf://acme/toy --release 1.3.0
expect 1 verify infected --policy policy.toml --lock modelseal.lock --as hf://acme/toy

say "And the next release of acme, which is what it should be"
model v1.3 "weights of 1.3"
publish acme v1.3 --name hf://acme/toy --release 1.3.0
expect 0 verify v1.3 --policy policy.toml --lock modelseal.lock --as hf://acme/toy
