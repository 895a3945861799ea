"""verify_api.py MODEL BUNDLE PUBLIC_KEY [METHOD HASH [SHARD_SIZE]] - verify through the reference's Python API.

Without METHOD the configuration is guessed from the bundle. Exit 0 or 1, the reason on stderr.
"""
import pathlib, sys
import model_signing
model, bundle, key = map(pathlib.Path, sys.argv[1:4])
c = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
if len(sys.argv) > 4:
    h = model_signing.hashing.Config()
    if sys.argv[4] == "files":
        h.use_file_serialization(hashing_algorithm=sys.argv[5])
    else:
        h.use_shard_serialization(hashing_algorithm=sys.argv[5], shard_size=int(sys.argv[6]))
    c.set_hashing_config(h)
try:
    c.verify(model, bundle)
except Exception as e:
    sys.exit(f"{type(e).__name__}: {e}")
print("ok")
