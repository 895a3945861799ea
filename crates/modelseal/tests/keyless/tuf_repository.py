"""Prints TUF repositories that publish a trusted root, as a JSON object of files.

Usage: tuf_repository.py TRUSTED_ROOT

`genuine` is current; `stale` comes after it, and its timestamp expired;
`rotated` comes after it too, with other keys, which the old ones vouch for;
`foreign` is signed by keys that nobody vouches for.
"""

import datetime
import hashlib
import json
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

NAME = "trusted_root.json"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


def repository(signer, target, version=1, timestamp_expires=NOW + 7 * DAY, rotated_from=None):
    roles = {
        f"{version}.targets.json": targets(target, version),
        f"{version}.snapshot.json": Snapshot(
            version=version, expires=NOW + 50 * DAY, meta={"targets.json": MetaFile(version)}
        ),
        "timestamp.json": Timestamp(
            version=version, expires=timestamp_expires, snapshot_meta=MetaFile(version)
        ),
    }
    files = {name: signed(role, signer) for name, role in roles.items()}
    files["1.root.json"] = signed(root(rotated_from or signer, 1), rotated_from or signer)
    if rotated_from:
        files["2.root.json"] = signed(root(signer, 2), rotated_from, signer)
    files[f"targets/{hashlib.sha256(target).hexdigest()}.{NAME}"] = target.decode()
    return files


def root(signer, version):
    root = Root(version=version, consistent_snapshot=True, expires=NOW + 100 * DAY)
    for role in ("root", "timestamp", "snapshot", "targets"):
        root.add_key(signer.public_key, role)
    return root


def targets(target, version):
    targets = Targets(version=version, expires=NOW + 50 * DAY)
    targets.targets[NAME] = TargetFile.from_data(NAME, target, ["sha256"])
    return targets


def signed(role, *signers):
    metadata = Metadata(role)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes().decode()


def main():
    with open(sys.argv[1], "rb") as file:
        target = file.read()
    ours, next_ours, theirs = (CryptoSigner.generate_ed25519() for _ in range(3))
    repositories = {
        "genuine": repository(ours, target),
        "stale": repository(ours, target, version=2, timestamp_expires=NOW - DAY),
        "rotated": repository(next_ours, target, version=2, rotated_from=ours),
        "foreign": repository(theirs, target),
    }
    print(json.dumps(repositories))


main()
