# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: a Hub on loopback, in memory, for the unpatched `huggingface_hub` client (standard library only).

It speaks the part of the protocol that pushing and loading use. Xet is not offered: clients need
`HF_HUB_DISABLE_XET=1`, unless every file is small enough to be committed as text (`lfs_from_bytes`).

    with HubServer() as hub:
        hub.add_account("secret-token", "owner")
        environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "secret-token", "HF_HUB_DISABLE_XET": "1"}
        hub.faults[3] = 503  # the fourth request fails

`HF_ENDPOINT` is read when `huggingface_hub` is imported, so it suits subprocesses; `HfApi(endpoint=hub.url)` does too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hub_storage import Answer, Refusal, Repository, Request, StoredFile, folder_entry, ranged


# An HTTP status; "drop" closes the connection before anything is done, "lose" after it was done but not yet answered.
Fault = int | str
DATE = "2026-01-01T00:00:00.000Z"


class HubServer:
    """Starts on a free port of 127.0.0.1; a context manager.

    Attributes:
        url: what `HF_ENDPOINT` is set to.
        repositories: by (kind, name), e.g. ("model", "owner/name").
        requests: all requests so far, for counts and for the search of secrets.
        faults: request number, from 0, to what goes wrong with it.
        storm: what goes wrong with the next requests, one after the other.
        fault_headers: headers of failing answers, e.g. `Retry-After`.
        lfs_from_bytes: files from this size on, and all binary ones, go through LFS.
    """

    def __init__(self, lfs_from_bytes: int = 1 << 20) -> None:
        self.lfs_from_bytes = lfs_from_bytes
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[Request] = []
        self.faults: dict[int, Fault] = {}
        self.storm: list[Fault] = []
        self.fault_headers: dict[str, str] = {}
        self._accounts: dict[str, tuple[str, bool]] = {}
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        # Another host name for the same port: clients must not carry their token there.
        self.storage_url = f"http://localhost:{self._http.server_port}"
        repository = r"(?P<kind>model|dataset|space)s/(?P<name>[^/]+/[^/]+)"
        file = r"/(?P<prefix>(?:datasets|spaces)/)?(?P<name>[^/]+/[^/]+)"
        self._routes: list[tuple[str, Callable[[Request], Answer]]] = [
            ("GET /api/whoami-v2", self._whoami),
            ("POST /api/validate-yaml", lambda request: (200, {"errors": [], "warnings": []}, {})),
            ("POST /api/repos/create", self._create),
            (rf"POST /api/{repository}/preupload/(?P<revision>[^/]+)", self._preupload),
            (rf"POST /api/{repository}/commit/(?P<revision>[^/]+)", self._commit),
            (rf"POST /api/{repository}/paths-info/(?P<revision>[^/]+)", self._paths_info),
            (rf"GET /api/{repository}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?", self._tree),
            (rf"GET /api/{repository}/refs", self._refs),
            (rf"GET /api/{repository}(?:/revision/(?P<revision>[^/]+))?", self._info),
            (rf"POST {file}\.git/info/lfs/objects/batch", self._batch),
            ("PUT /storage/(?P<oid>[0-9a-f]{64})", self._upload),
            ("GET /storage/(?P<oid>[0-9a-f]{64})", self._download),
            (rf"(?:GET|HEAD) {file}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", self._resolve),
        ]

    def add_account(self, token: str, name: str, may_write: bool = True) -> None:
        self._accounts[token] = (name, may_write)

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fault_of_next(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            planned = self.faults.get(len(self.requests) - 1)
            return self.storm.pop(0) if planned is None and self.storm else planned

    def answer(self, request: Request) -> Answer:
        line = f"{request.method} {urlsplit(request.url).path}"
        for pattern, respond in self._routes:
            request.match = re.fullmatch(pattern, line)
            if request.match:
                try:
                    with self._lock:
                        return respond(request)
                except Refusal as refusal:
                    return refusal.status, refusal.content, refusal.headers
        return 404, {"error": f"nothing at {line}"}, {}

    def _account(self, request: Request) -> tuple[str, bool] | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self._accounts:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self._accounts[token] if token else None

    def _repository(self, request: Request, writes: bool = False) -> Repository:
        account = self._account(request)
        kind = request.part("kind") or request.part("prefix").removesuffix("s/") or "model"
        found = self.repositories.get((kind, request.part("name")))
        owner = request.part("name").split("/")[0]
        if found is None or (found.private and (account is None or account[0] != owner)):
            raise Refusal(401 if account is None else 404, "Repository not found", "RepoNotFound")
        if writes and account != (owner, True):
            raise Refusal(401 if account is None else 403, "You don't have the rights to write to this repository")
        return found

    def _tree_at(self, repository: Repository, revision: str) -> tuple[str, dict[str, StoredFile]]:
        commit = repository.head if revision in ("", "main", "refs/heads/main") else revision
        if commit not in repository.commits:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit, repository.commits[commit]

    def _whoami(self, request: Request) -> Answer:
        account = self._account(request)
        if account is None:
            raise Refusal(401, "Invalid username or password.")
        return 200, {"type": "user", "name": account[0], "orgs": []}, {}

    def _create(self, request: Request) -> Answer:
        account, wanted = self._account(request), request.json
        if account is None:
            raise Refusal(401, "Invalid username or password.")
        owner, kind = wanted.get("organization") or account[0], wanted.get("type") or "model"
        name = f"{owner}/{wanted['name']}"
        if account != (owner, True):
            raise Refusal(403, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"')
        url = f"{self.url}/{'' if kind == 'model' else f'{kind}s/'}{name}"
        if (kind, name) in self.repositories:
            raise Refusal(409, f"You already created this {kind} repo", url=url)
        repository = Repository(kind, name, wanted.get("visibility") == "private" or bool(wanted.get("private")))
        repository.commit({".gitattributes": StoredFile(b"", False)}, "initial commit")
        self.repositories[kind, name] = repository
        return 200, {"url": url, "name": name}, {}

    def _info(self, request: Request) -> Answer:
        repository = self._repository(request)
        commit, tree = self._tree_at(repository, request.part("revision"))
        info = {"_id": "0" * 24, "id": repository.name, "sha": commit, "private": repository.private, "tags": []}
        info |= {"siblings": [{"rfilename": path} for path in tree], "lastModified": DATE, "createdAt": DATE}
        return 200, {**info, "gated": False, "disabled": False, "downloads": 0, "likes": 0}, {}

    def _refs(self, request: Request) -> Answer:
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": self._repository(request).head}
        return 200, {"branches": [main], "converts": [], "tags": []}, {}

    def _tree(self, request: Request) -> Answer:
        _, tree = self._tree_at(self._repository(request), request.part("revision"))
        inside = f"{request.part('path')}/" if request.part("path") else ""
        found = {path: file.entry(path) for path, file in tree.items() if path.startswith(inside)}
        if inside and not found:
            raise Refusal(404, f"{inside} does not exist", "EntryNotFound")
        parents = {"/".join(path.split("/")[:depth]) for path in found for depth in range(1, path.count("/") + 1)}
        entries = [*(folder_entry(path) for path in sorted(parents) if path.startswith(inside)), *found.values()]
        if request.query.get("recursive", ["false"])[0].lower() != "true":
            entries = [entry for entry in entries if "/" not in entry["path"][len(inside) :]]
        return 200, entries, {}

    def _paths_info(self, request: Request) -> Answer:
        _, tree = self._tree_at(self._repository(request), request.part("revision"))
        form = parse_qs(request.body.decode())
        wanted = form["paths"] if "paths" in form else request.json["paths"]
        files = [tree[path].entry(path) for path in wanted if path in tree]
        folders = [path for path in wanted if any(each.startswith(f"{path.strip('/')}/") for each in tree)]
        return 200, [*files, *map(folder_entry, folders)], {}

    def _preupload(self, request: Request) -> Answer:
        _, tree = self._tree_at(self._repository(request, writes=True), request.part("revision"))
        answers = []
        for file in request.json["files"]:
            is_binary = b"\0" in base64.b64decode(file["sample"]) and self.lfs_from_bytes < 1 << 30
            mode = "lfs" if is_binary or file["size"] >= self.lfs_from_bytes else "regular"
            oid = {"oid": tree[file["path"]].etag} if file["path"] in tree else {}
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        return 200, {"files": answers}, {}

    def _batch(self, request: Request) -> Answer:
        self._repository(request, writes=True)
        objects = []
        for wanted in request.json["objects"]:
            upload = {"href": f"{self.storage_url}/storage/{wanted['oid']}?bytes={wanted['size']}"}
            actions = {} if wanted["oid"] in self._objects else {"actions": {"upload": upload}}
            objects.append({"oid": wanted["oid"], "size": wanted["size"], **actions})
        return 200, {"transfer": "basic", "objects": objects}, {}

    def _upload(self, request: Request) -> Answer:
        size = int(request.query["bytes"][0])
        if len(request.body) != size or hashlib.sha256(request.body).hexdigest() != request.part("oid"):
            raise Refusal(400, "size or SHA-256 of the upload is not what was announced")
        self._objects[request.part("oid")] = request.body
        return 200, {}, {}

    def _commit(self, request: Request) -> Answer:
        repository = self._repository(request, writes=True)
        commit, tree = self._tree_at(repository, request.part("revision"))
        lines = [json.loads(line) for line in request.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, commit):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(tree)
        for line in lines[1:]:
            value, path = line["value"], line["value"]["path"]
            if line["key"] == "file":
                tree[path] = StoredFile(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                if value["oid"] not in self._objects:
                    raise Refusal(400, f"the LFS object of {path} was never uploaded")
                tree[path] = StoredFile(self._objects[value["oid"]], True)
            elif line["key"] in ("deletedFile", "deletedFolder"):
                tree = {each: file for each, file in tree.items() if each != path and not each.startswith(f"{path}/")}
        repository.commit(tree, header["summary"])
        url = f"{self.url}/{repository.name}/commit/{repository.head}"
        return 200, {"success": True, "commitOid": repository.head, "commitUrl": url}, {}

    def _resolve(self, request: Request) -> Answer:
        commit, tree = self._tree_at(self._repository(request), request.part("revision"))
        file = tree.get(request.part("path"))
        if file is None:
            refusal = Refusal(404, "Entry not found", "EntryNotFound")
            # By it clients keep in mind that this commit has no such file.
            refusal.headers["X-Repo-Commit"] = commit
            raise refusal
        headers = {"X-Repo-Commit": commit, "ETag": f'"{file.etag}"'}
        if not file.is_large:
            return ranged(request, file.content, headers)
        headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(len(file.content))}
        return 302, b"", {**headers, "Location": f"{self.storage_url}/storage/{file.etag}"}

    def _download(self, request: Request) -> Answer:
        return ranged(request, self._objects[request.part("oid")], {"ETag": f'"{request.part("oid")}"'})


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, lets the Hub answer it, and does what is planned to go wrong."""

    hub: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        request = Request(self.command, self.path, self.headers, self._body())
        fault = self.hub.fault_of_next(request)
        if isinstance(fault, int):
            # Not JSON, as from a proxy in front of an overloaded server.
            return self._send(fault, b"<html>as planned</html>", dict(self.hub.fault_headers))
        answer = self.hub.answer(request) if fault != "drop" else None
        if answer is None or fault == "lose":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        self._send(*answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _respond

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, content: Any, headers: dict[str, str]) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on the terminal: `HubServer.requests` has it all."""
