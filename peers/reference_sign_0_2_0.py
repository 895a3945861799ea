#!/usr/bin/env python3
"""Sign with release 0.2.0 of the reference, which has no command line in its package.

    reference_sign_0_2_0.py MODEL BUNDLE PRIVATE_KEY [CERTIFICATE [CHAIN...]] [OPTION...]

With a certificate it signs as the `pki` method of the `sign.py` of its repository did, without one
as `private-key`. The payload is what that made, one subject for each file, unless there is one of

    --shards=SIZE            a subject for each shard of SIZE bytes
    --hash=blake2            what it calls "blake2b" in the annotations, and "sha256" in the digests
    --payload=single         one subject, a digest over names and digests
    --payload=aggregate      one subject, a digest over the digests, which the predicate lists

and --allow-symlinks lets it follow them.
"""

import sys
from pathlib import Path

from model_signing import api, model
from model_signing.signature import key, pki
from model_signing.signing import in_toto, in_toto_signature

options = dict(word[2:].partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
model_path, bundle, private_key, *certificates = [
    Path(word) for word in sys.argv[1:] if not word.startswith("--")
]

payload = options.get("payload", "itemized")
unit = "file_shard" if "shards" in options else "file"
form = "digest" if payload == "single" else "manifest"
settings = {
    "hashing_algorithm": options.get("hash", "sha256"),
    "allow_symlinks": "allow-symlinks" in options,
}
if "shards" in options:
    settings["shard_size"] = int(options["shards"])
# The only way to its serializers that does not also make a Sigstore signer, which needs a network.
how = getattr(api.HashingConfig(), f"set_serialize_by_{unit}_to_{form}")(**settings)

generators = {
    ("itemized", "file"): in_toto.DigestsIntotoPayload,
    ("itemized", "file_shard"): in_toto.ShardDigestsIntotoPayload,
    ("aggregate", "file"): in_toto.DigestOfDigestsIntotoPayload,
    ("aggregate", "file_shard"): in_toto.DigestOfShardDigestsIntotoPayload,
    ("single", "file"): in_toto.SingleDigestIntotoPayload,
    ("single", "file_shard"): in_toto.SingleDigestIntotoPayload,
}

if certificates:
    signer = pki.PKISigner.from_path(private_key, certificates[0], certificates[1:])
else:
    signer = key.ECKeySigner.from_path(private_key)

signature = model.sign(
    model_path,
    in_toto_signature.IntotoSigner(signer),
    generators[payload, unit].from_manifest,
    how._serializer,
    # As in its `sign.py`: this leaves out a bundle that is in the model, but only if both paths
    # are written alike, because it compares them as they stand.
    ignore_paths=[bundle],
)
signature.write(bundle)
