#!/usr/bin/env python3
"""A local stand-in for the model hub, so that tests can run its real client without a network.

    hub_stand_in.py DIRECTORY REPO_ID [--log]

Serves the files below DIRECTORY as the one commit (branch `main`) of the model repository REPO_ID,
on a free port of 127.0.0.1. The first line on standard output is the URL to hand to the client
(`HF_ENDPOINT` or `endpoint=`). The server ends when its standard input is closed, so a test which
dies leaves nothing behind.

A file of more than LARGE bytes is served as the hub serves large ones: tracked by LFS (its ETag is
its SHA-256) and offered from Xet storage. Any other file has its git blob name as its ETag. What the
client makes of a large file is the client's choice, by its environment:

    (nothing set)                  fetched by Xet, kept once in the shared store of the cache
    HF_HUB_DISABLE_SHARED_BLOBS=1  fetched by Xet, kept in the `blobs` of the repository
    HF_HUB_DISABLE_XET=1           fetched by plain HTTP, kept in the `blobs` of the repository

Not like the hub: a Xet hash is here a SHA-256 under another name, large files are answered in
place rather than by a redirect to another host, and nothing is private. Everything is held in
memory: it is made for small models.
"""

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = 1024  # bytes; anything above is an LFS file
CHUNK = 64 * 1024  # bytes of a file in one Xet chunk


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class File:
    """One file of the repository, with every name the hub has for it."""

    def __init__(self, content):
        self.content = content
        self.size = len(content)
        self.large = self.size > LARGE
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.xet_hash = hashlib.sha256(b"xet " + content).hexdigest()
        # What git itself stores for a large file is a short pointer to it.
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n"
        self.pointer = pointer.encode()
        self.oid = git_blob(self.pointer if self.large else content)
        self.etag = self.sha256 if self.large else self.oid

    def chunks(self):
        return [self.content[at : at + CHUNK] for at in range(0, self.size, CHUNK)]

    def xorb(self):
        """The file in Xet's container: uncompressed chunks, each behind a header of eight bytes."""
        packed = bytearray()
        for chunk in self.chunks():
            length = len(chunk).to_bytes(3, "little")
            packed += b"\0" + length + b"\0" + length + chunk  # version 0, compression 0
        return bytes(packed)


class Repository:
    def __init__(self, directory, name):
        self.name = name
        root = Path(directory)
        self.files = {
            path.relative_to(root).as_posix(): File(path.read_bytes())
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        listing = "".join(f"{file.oid} {path}\n" for path, file in self.files.items())
        self.commit = hashlib.sha1(f"{name}\n{listing}".encode()).hexdigest()
        self.by_xet_hash = {file.xet_hash: file for file in self.files.values() if file.large}

    def info(self):
        siblings = [{"rfilename": path} for path in self.files]
        return {"id": self.name, "sha": self.commit, "private": False, "siblings": siblings}

    def tree(self):
        folders = {p.as_posix() for path in self.files for p in Path(path).parents} - {"."}
        rows = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": p} for p in sorted(folders)]
        for path, file in self.files.items():
            row = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
            if file.large:
                row["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
                row["xetHash"] = file.xet_hash
            rows.append(row)
        return rows


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        repo, url = self.server.repo, self.server.url
        path = unquote(urlsplit(self.path).path)
        api = f"/api/models/{repo.name}"
        for revision in ("main", repo.commit):
            if path == f"{api}/revision/{revision}":
                return self.send_json(repo.info())
            if path == f"{api}/tree/{revision}":
                return self.send_json(repo.tree())
            if path == f"{api}/xet-read-token/{revision}":
                return self.send_token(f"{url}/xet")
            files = f"/{repo.name}/resolve/{revision}/"
            if path.startswith(files):
                return self.send_file(path.removeprefix(files), f"{url}{api}/xet-read-token/{revision}")
        what, _, name = path.rpartition("/")
        file = repo.by_xet_hash.get(name)
        if file and what == "/xet/v1/reconstructions":  # of all the file, whatever range is asked for
            return self.send_json(self.reconstruction(file, f"{url}/xet/xorbs/{name}"))
        if file and what == "/xet/xorbs":
            return self.send_bytes(file.xorb(), ranged=True)
        self.send_missing("RepoNotFound" if path.startswith("/api/") else "EntryNotFound")

    do_HEAD = do_GET

    def send_file(self, path, token_url):
        file = self.server.repo.files.get(path)
        if file is None:
            return self.send_missing("EntryNotFound")
        headers = {"ETag": f'"{file.etag}"'}
        if file.large:
            headers["X-Linked-Etag"] = f'"{file.sha256}"'
            headers["X-Linked-Size"] = str(file.size)
            headers["X-Xet-Hash"] = file.xet_hash
            headers["Link"] = f'<{token_url}>; rel="xet-auth"'
        self.send_bytes(file.content, headers, ranged=True)

    def send_token(self, storage):
        expires = int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": storage, "X-Xet-Access-Token": "none"}
        headers["X-Xet-Token-Expiration"] = str(expires)
        self.send_json({"casUrl": storage, "accessToken": "none", "exp": expires}, headers)

    @staticmethod
    def reconstruction(file, xorb_url):
        """How Xet puts the file together: all the chunks of one xorb, named like the file."""
        chunks = {"start": 0, "end": len(file.chunks())}
        fetch = {"range": chunks, "url": xorb_url, "url_range": {"start": 0, "end": len(file.xorb()) - 1}}
        term = {"hash": file.xet_hash, "unpacked_length": file.size, "range": chunks}
        return {"offset_into_first_range": 0, "terms": [term], "fetch_info": {file.xet_hash: [fetch]}}

    def send_json(self, value, headers=None):
        self.send_bytes(json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send_missing(self, code):
        self.send_bytes(b"", {"X-Error-Code": code}, status=404)

    def send_bytes(self, body, headers=None, status=200, ranged=False):
        asked = self.headers.get("Range", "")
        if ranged and asked.startswith("bytes="):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(body) - 1), len(body) - 1)
            headers = {"Content-Range": f"bytes {start}-{end}/{len(body)}", **(headers or {})}
            body, status = body[start : end + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", self.server.repo.commit)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        if "--log" in sys.argv:
            super().log_message(format, *args)


def main():
    directory, name = sys.argv[1:3]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.repo = Repository(directory, name)
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.url, flush=True)
    sys.stdin.read()  # until whoever started this is gone


if __name__ == "__main__":
    main()
