#!/usr/bin/env python3
"""Verify with the Python API of a release of the reference.

    reference_verify.py MODEL BUNDLE PUBLIC_KEY [files|shards sha256|blake2|blake3 [SHARD_SIZE]]

Without a method it guesses how the files were hashed from the bundle, as its command line does not.
Prints "Verification succeeded" and exits with 0, or exits with 1 and the reason on standard error.
"""

import sys
from pathlib import Path

from model_signing import hashing, verifying

model, bundle, public_key, *serialization = sys.argv[1:]

config = verifying.Config()
config.use_elliptic_key_verifier(public_key=Path(public_key))
if serialization:
    method, hash_name, *shard_size = serialization
    how = hashing.Config()
    if method == "shards":
        how.use_shard_serialization(hashing_algorithm=hash_name, shard_size=int(*shard_size))
    else:
        how.use_file_serialization(hashing_algorithm=hash_name)
    config.set_hashing_config(how)

try:
    config.verify(Path(model), Path(bundle))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("Verification succeeded")
