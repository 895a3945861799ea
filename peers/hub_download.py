#!/usr/bin/env python3
"""Download a model with the real hub client: hub_download.py ENDPOINT REPO_ID CACHE_DIR [LOCAL_DIR]

Prints the path of the resulting directory. See hub_stand_in.py for an ENDPOINT and for the
environment variables that choose the layout.
"""

import os
import sys

endpoint, repo_id, cache_dir, *local_dir = sys.argv[1:]

# Read by the client when it is imported. Nothing may reach, or be taken from, anywhere else.
os.environ["HF_ENDPOINT"] = endpoint
os.environ["HF_HOME"] = os.path.normpath(cache_dir) + ".home"  # tokens, Xet's own cache and logs
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

from huggingface_hub import snapshot_download  # noqa: E402

print(
    snapshot_download(
        repo_id,
        endpoint=endpoint,
        cache_dir=cache_dir,
        local_dir=local_dir[0] if local_dir else None,
        token=False,
        # Two workers that make the shared store at once may not see it, and keep their files elsewhere.
        max_workers=1,
    )
)
