#!/usr/bin/env python3
"""Sign a model that is too big for one machine: Ray workers hash it, one process signs.

Usage: fan_out.py MODEL KEY SIGNATURE [WORKERS]

Every worker must see MODEL under the same path, as on a shared file system, and have modelseal, or what
MODELSEAL names. What is signed is what `modelseal sign MODEL --key KEY --shard-size 67108864` signs, byte for
byte. Shards cannot cover empty files: a model with one is refused.
"""

import os
import subprocess
import sys
import tempfile

import ray

SHARD = 64 * 1024 * 1024


def modelseal(*arguments):
    command = [os.environ.get("MODELSEAL", "modelseal"), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


@ray.remote(num_cpus=1)
def hash_part(plan, model, part):
    """One worker's share of the plan, which travels with the task."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(plan)
        file.flush()
        return modelseal("manifest", "hash", file.name, model, "--part", part, "--jobs", "1", "--quiet")


def main(model, key, signature, workers="2"):
    if not ray.is_initialized():
        ray.init()
    model, count = os.path.abspath(model), int(workers)
    plan = modelseal("manifest", "plan", model, "--shard-size", str(SHARD), "--output", "-", "--quiet")
    parts = ray.get([hash_part.remote(plan, model, f"{index}/{count}") for index in range(count)])
    with tempfile.TemporaryDirectory() as directory:
        paths = [os.path.join(directory, name) for name in ["plan", *map(str, range(count))]]
        for path, content in zip(paths, [plan, *parts]):
            with open(path, "wb") as file:
                file.write(content)
        merged = os.path.join(directory, "manifest.json")
        # Refuses what is missing, what is there twice, and what is of another plan.
        sys.stdout.buffer.write(modelseal("manifest", "merge", *paths, "--output", merged))
        sys.stdout.buffer.write(modelseal("sign", "--manifest", merged, "--key", key, "--output", signature))


if __name__ == "__main__":
    main(*sys.argv[1:])
