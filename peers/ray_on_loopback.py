#!/usr/bin/env python3
"""Runs a script with a Ray of its own, which has two workers and never leaves 127.0.0.1.

    ray_on_loopback.py SCRIPT [ARGUMENTS]

Ray listens on the address by which a machine is known to others, and asks the services of clouds where it
is, unless it is told otherwise as here. Whatever it writes is below a directory that goes away with it.
"""

import os
import runpy
import shutil
import sys
import tempfile

# Before Ray is imported: every process that it starts inherits them.
os.environ.update(
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # the address of the only node is 127.0.0.1
    RAY_USAGE_STATS_ENABLED="0",
    RAY_AUTH_MODE="disabled",  # no token in the home directory
)

import ray
from ray._private.node import Node

# What they start looks for the metadata of clouds, even without a dashboard.
for name in ("start_api_server", "start_monitor", "start_log_monitor"):
    assert callable(getattr(Node, name)), name
    setattr(Node, name, lambda self, *args, **kwargs: None)


def listeners():
    """The addresses on which this process and its children listen."""
    inodes = set()
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parents[int(pid)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for pid in ours:
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                    yield fields[1].rsplit(":", 1)[0]


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def main(script, arguments):
    directory = tempfile.mkdtemp(prefix="ray.", dir="/tmp")  # paths of sockets are short
    try:
        ray.init(
            address="local",
            num_cpus=2,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=80 << 20,
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
            _temp_dir=directory,
            _plasma_directory=directory,
        )
        elsewhere = set(listeners()) - LOOPBACK
        assert not elsewhere, f"Ray listens on {elsewhere}"
        sys.argv = [script, *arguments]
        runpy.run_path(script, run_name="__main__")
    finally:
        ray.shutdown(wait_for_processes=True)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
