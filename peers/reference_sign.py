#!/usr/bin/env python3
"""Sign with the Python API of a release of the reference, whatever its command line cannot do.

    reference_sign.py MODEL BUNDLE PRIVATE_KEY files|shards sha256|blake2|blake3 [SHARD_SIZE]

Runs under 1.1.1, 1.0.1 and 0.3.1; the last two have no blake3. SHARD_SIZE goes with shards.
"""

import sys
from pathlib import Path

from model_signing import hashing, signing

model, bundle, private_key, method, hash_name, *shard_size = sys.argv[1:]

# 1.0.1 and 0.3.1 refresh Sigstore's metadata over the network before they use any other signer.
signing.Config.use_sigstore_signer = lambda self, **options: self

how = hashing.Config()
if method == "shards":
    how.use_shard_serialization(hashing_algorithm=hash_name, shard_size=int(*shard_size))
else:
    how.use_file_serialization(hashing_algorithm=hash_name)
how.set_ignored_paths(paths=[], ignore_git_paths=True)

config = signing.Config()
config.use_elliptic_key_signer(private_key=Path(private_key))
config.set_hashing_config(how)
config.sign(Path(model), Path(bundle))
