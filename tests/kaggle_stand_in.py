"""Kaggle's API and its storage on loopback, with bad days on demand.

Run by hand it serves the zips of a folder and prints what a shell has to export:
`python -m tests.kaggle_stand_in FOLDER`.
"""

import contextlib
import datetime
import json
import re
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKEN = "KGAT-secret-token"
KEY = "secret-key"
SIGNATURE = "secret-signature"
SECRETS = (TOKEN, KEY, SIGNATURE)
USER = "someone"
RULES = "https://www.kaggle.com/c/galaxy-zoo-the-galaxy-challenge/rules"
BLOCK = 64 * 1024


@dataclass
class Fault:
    """What goes wrong with a request, so many times.

    Attributes:
        status: answered instead of the right thing.
        message: Kaggle's words with it.
        headers: sent with it.
        page: HTML that is sent with status 200 instead of the right thing.
        cut: bytes of the body after which the connection is closed.
        stall: bytes of the body after which nothing more comes.
        endless: tell no length and send more than there is.
        crawl: seconds between single bytes.
        lose_answer: do what is asked, but close the connection instead of answering.
        times: how often; then all is well again.
    """

    status: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""
    cut: int | None = None
    stall: int | None = None
    endless: bool = False
    crawl: float = 0
    lose_answer: bool = False
    times: int = 1


@dataclass
class Verdict:
    """How a submission ends, after being looked at so many times."""

    status: str = "COMPLETE"
    public: str = "0.07801"
    private: str = "0.07811"
    error: str = ""
    looks: int = 1


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A reader that goes away is part of the play."""


class StandIn:
    """The server and its state; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: dict[str, int] = {}  # listed instead of the true ones
        self.faults: dict[str, list[Fault]] = {}
        self.verdict = Verdict()
        self.submissions: list[dict[str, Any]] = []
        self.looks: Counter[int] = Counter()
        self.uploads: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.limits = {"numToday": 1, "numTotal": 7, "numAllowedNow": 4}
        self.token_active = True
        self.knows_ranges = True
        self.calls: Counter[str] = Counter()
        self.ranges: list[tuple[str, int]] = []
        self.bytes_sent: Counter[str] = Counter()
        self.leaks: list[str] = []  # credentials that reached the storage
        self.closing = threading.Event()
        self.lock = threading.Lock()
        handler = type("BoundHandler", (Handler,), {"stand_in": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self.server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def goes_wrong(self, where: str, **fault: Any) -> None:
        """Plans a fault: `where` is a method's name, "storage" or "upload"."""
        self.faults.setdefault(where, []).append(Fault(**fault))

    def next_fault(self, where: str) -> Fault:
        with self.lock:
            planned = self.faults.get(where, [])
            if not planned:
                return Fault()
            planned[0].times -= 1
            return planned[0] if planned[0].times > 0 else planned.pop(0)

    def submit(self, file_name: str, description: str) -> int:
        """Enters a submission, as the site would."""
        with self.lock:
            reference = 1000 + len(self.submissions)
            now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
            self.submissions.append(
                {
                    "ref": reference,
                    "fileName": file_name,
                    "description": description,
                    "date": now.isoformat(timespec="milliseconds") + "Z",
                    "status": "PENDING",
                }
            )
            return reference

    def listed(self) -> list[dict[str, Any]]:
        """The submissions, newest first; each look brings the verdicts nearer."""
        with self.lock:
            for entry in self.submissions:
                self.looks[entry["ref"]] += 1
                if entry["status"] == "PENDING" and (
                    self.looks[entry["ref"]] >= self.verdict.looks
                ):
                    entry["status"] = self.verdict.status
                    if self.verdict.error:
                        entry["errorDescription"] = self.verdict.error
                    if self.verdict.status == "COMPLETE":
                        entry["publicScore"] = self.verdict.public
                        entry["privateScore"] = self.verdict.private
            return [dict(entry) for entry in reversed(self.submissions)]


class Handler(BaseHTTPRequestHandler):
    """Answers the client's calls, and GETs and PUTs of the storage."""

    stand_in: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        match = re.fullmatch(r"(?:/api)?/v1/([\w.]+)/(\w+)", path)
        if not match:
            self.answer(404, {"code": 404, "message": f"no such path {path}"})
            return
        method = match[2]
        self.stand_in.calls[method] += 1
        fault = self.stand_in.next_fault(method)
        if self.instead(fault):
            return
        is_open = method in ("IntrospectToken", "GenerateAccessToken")
        if not is_open and not self.is_logged_in():
            self.answer(401, {"code": 401, "message": "Unauthenticated"})
            return
        content = getattr(self, method)(json.loads(body or b"{}"))
        if fault.lose_answer:
            self.close_connection = True
        elif content is not None:
            self.answer(200, content)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not parts.path.startswith("/storage/"):
            self.answer(200, {"hello": "world"})
            return
        name = parts.path.removeprefix("/storage/")
        self.stand_in.calls["storage"] += 1
        if self.headers.get("Authorization"):
            self.stand_in.leaks.append(self.path)
        fault = self.stand_in.next_fault("storage")
        if not self.instead(fault):
            self.send_file(name, fault)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.stand_in.calls["upload"] += 1
        if self.headers.get("Authorization"):
            self.stand_in.leaks.append(self.path)
        fault = self.stand_in.next_fault("upload")
        if not self.instead(fault):
            self.stand_in.uploads[urlsplit(self.path).path.split("/")[-1]] = content
            self.answer(200, {})

    def do_CONNECT(self) -> None:
        self.answer(407, {})

    def is_logged_in(self) -> bool:
        import base64

        basic = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        allowed = (f"Bearer {TOKEN}", f"Basic {basic}")
        return self.headers.get("Authorization") in allowed

    def instead(self, fault: Fault) -> bool:
        """Answers as the fault demands; whether it demanded something else."""
        if fault.status:
            content = {"code": fault.status, "message": fault.message}
            self.answer(fault.status, content, fault.headers)
        elif fault.page:
            self.answer_bytes(200, fault.page.encode(), {"Content-Type": "text/html"})
        elif fault.endless:
            self.send_without_end()
        elif fault.stall == 0:
            self.stand_in.closing.wait(60)
            self.close_connection = True
        else:
            return False
        return True

    def send_without_end(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader has enough
            while not self.stand_in.closing.is_set():
                self.wfile.write(b"PK" * BLOCK)

    def IntrospectToken(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if request.get("token") != TOKEN:
            self.answer(401, {"code": 401, "message": f"bad {request.get('token')}"})
            return None
        return {"active": self.stand_in.token_active, "username": USER}

    def GenerateAccessToken(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"token": TOKEN, "expiresIn": 3600, "userName": USER}

    def ListDataFiles(self, _: dict[str, Any]) -> dict[str, Any]:
        files = sorted(self.stand_in.folder.glob("*.zip"))
        sizes = {file.name: file.stat().st_size for file in files}
        sizes |= self.stand_in.sizes
        listed = [{"name": name, "totalBytes": size} for name, size in sizes.items()]
        return {"files": listed}

    def DownloadDataFile(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if not (self.stand_in.folder / request["fileName"]).exists():
            return self.answer(404, {"code": 404, "message": "no such file"})
        # another host than the API's, as the real storage is
        place = f"http://localhost:{self.stand_in.port}/storage/{request['fileName']}"
        location = {"Location": f"{place}?X-Signature={SIGNATURE}"}
        return self.answer_bytes(302, b"", location)

    def StartSubmissionUpload(self, request: dict[str, Any]) -> dict[str, Any]:
        token = f"blob{len(self.stand_in.names)}"
        self.stand_in.names[token] = request["fileName"]
        place = f"http://localhost:{self.stand_in.port}/upload/{token}"
        return {"token": token, "createUrl": f"{place}?X-Signature={SIGNATURE}"}

    def CreateSubmission(self, request: dict[str, Any]) -> dict[str, Any]:
        file_name = self.stand_in.names[request["blobFileTokens"]]
        text = request.get("submissionDescription", "")
        reference = self.stand_in.submit(file_name, text)
        return {"ref": reference, "message": "Successfully submitted"}

    def ListSubmissions(self, request: dict[str, Any]) -> dict[str, Any]:
        size, page = request.get("pageSize", 20), request.get("page", 1)
        listed = self.stand_in.listed()
        return {"submissions": listed[(page - 1) * size : page * size]}

    def GetSubmissionLimits(self, _: dict[str, Any]) -> dict[str, Any]:
        return self.stand_in.limits

    def answer(
        self, status: int, content: Any, headers: dict[str, str] | None = None
    ) -> None:
        kind = {"Content-Type": "application/json"}
        self.answer_bytes(status, json.dumps(content).encode(), kind | (headers or {}))

    def answer_bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, name: str, fault: Fault) -> None:
        path = self.stand_in.folder / name
        size, start = path.stat().st_size, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.stand_in.knows_ranges:
            start = int(asked[1])
            if start >= size:
                self.answer_bytes(416, b"", {"Content-Range": f"bytes */{size}"})
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
        self.stand_in.ranges.append((name, start))
        self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Type", "application/zip")
        self.end_headers()
        try:
            self.send_body(path, start, fault)
        except OSError:  # the reader went away
            self.close_connection = True

    def send_body(self, path: Path, start: int, fault: Fault) -> None:
        sent = 0
        with open(path, "rb") as file:
            file.seek(start)
            while block := file.read(1 if fault.crawl else BLOCK):
                for limit in (fault.cut, fault.stall):
                    if limit is not None:
                        block = block[: limit - sent]
                self.wfile.write(block)
                sent += len(block)
                with self.stand_in.lock:
                    self.stand_in.bytes_sent[path.name] += len(block)
                if sent == fault.cut:
                    self.close_connection = True
                    return
                if sent == fault.stall:
                    self.stand_in.closing.wait(60)
                    self.close_connection = True
                    return
                if fault.crawl and self.stand_in.closing.wait(fault.crawl):
                    return


def main() -> None:
    with StandIn(Path(sys.argv[1])) as stand_in:
        stand_in.verdict.looks = 3
        print(
            f"export KAGGLE_API_ENVIRONMENT=LOCALHOST HTTP_PROXY={stand_in.url} "
            f"KAGGLE_API_TOKEN={TOKEN}",
            flush=True,
        )
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            print(dict(stand_in.calls), dict(stand_in.bytes_sent))


if __name__ == "__main__":
    main()
