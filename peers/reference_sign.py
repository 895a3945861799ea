"""sign_api.py MODEL BUNDLE KEY METHOD HASH [SHARD_SIZE] [ALLOW_SYMLINKS] - sign through the reference's Python API.

METHOD files|shards, HASH sha256|blake2|blake3. Works with 1.1.1, 1.0.1 and 0.3.1 (no blake3 in the latter two if absent).
"""
import sys
import model_signing
from model_signing import signing
model, bundle, key, method, hash_ = sys.argv[1:6]
signing.Config.use_sigstore_signer = lambda self, **kw: self  # old releases would go to the network here
h = model_signing.hashing.Config()
if method == "files":
    h.use_file_serialization(hashing_algorithm=hash_)
else:
    h.use_shard_serialization(hashing_algorithm=hash_, shard_size=int(sys.argv[6]))
h.set_ignored_paths(paths=[], ignore_git_paths=True)
c = signing.Config()
c.use_elliptic_key_signer(private_key=__import__("pathlib").Path(key))
c.set_hashing_config(h)
c.sign(__import__("pathlib").Path(model), __import__("pathlib").Path(bundle))
