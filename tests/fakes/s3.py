# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A bucket that speaks S3's wire protocol and checks every signature by its own reading of Signature Version 4."""

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

KEY, SECRET, REGION = "AKIDEXAMPLE", "s3cr3t/with+signs", "eu-test-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=([^,]+), Signature=(\w{64})"
)


@dataclass
class Bucket:
    """What the bucket holds and what was asked of it."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    largest_body: int = 0


@contextmanager
def serve_bucket() -> Iterator[Bucket]:
    """Serve an empty bucket on a free port of this machine."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"bucket": bucket}))
    bucket.url = f"http://{KEY}:{quote(SECRET, safe='')}@127.0.0.1:{server.server_port}/attic/blobs?region={REGION}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        self.bucket.largest_body = max(self.bucket.largest_body, len(body))
        self.bucket.asked.append(" ".join([self.command, *sorted(query)]))
        refused = self.bucket.refuse.get(self.bucket.asked[-1])
        if not self._is_signed(place.path, query, body):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif refused:
            self._answer(refused, b"<Error><Code>Refused</Code></Error>")
        elif query:
            self._serve_parts(place.path, query, body)
        else:
            self._serve_object(place.path, body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _serve_object(self, path: str, body: bytes) -> None:
        objects = self.bucket.objects
        if self.command == "PUT":
            objects[path] = body
            self._answer(200, b"", ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
        elif self.command == "DELETE":
            objects.pop(path, None)
            self._answer(204, b"")
        elif path not in objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif (asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))) is not None:
            end = int(asked[2]) + 1 if asked[2] else None
            self._answer(206, objects[path][int(asked[1]) : end])
        else:
            self._answer(200, objects[path])

    def _serve_parts(self, path: str, query: dict[str, str], body: bytes) -> None:
        parts = self.bucket.parts
        if "uploads" in query:
            parts["id-1"] = {}
            self._answer(
                200, b"<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>"
            )
        elif self.command == "PUT":
            parts[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, b"", ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
        elif self.command == "DELETE":
            parts.pop(query["uploadId"])
            self._answer(204, b"")
        else:
            named = [(int(n), tag) for n, tag in re.findall(rb"<PartNumber>(\d+)</PartNumber><ETag>\"(\w+)\"", body)]
            sent = parts.pop(query["uploadId"])
            assert named == [
                (n, hashlib.md5(sent[n], usedforsecurity=False).hexdigest().encode()) for n in sorted(sent)
            ]
            self.bucket.objects[path] = b"".join(sent[n] for n in sorted(sent))
            self._answer(200, b"<CompleteMultipartUploadResult/>")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _is_signed(self, path: str, query: dict[str, str], body: bytes) -> bool:
        found = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        content = hashlib.sha256(body).hexdigest()
        if found is None or self.headers.get("X-Amz-Content-SHA256") != content:
            return False
        key, day, region, names, signature = found.groups()
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names.split(";"))
        asked = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(query.items()))
        canonical = "\n".join([self.command, path, asked, headers, names, content])
        scope = f"{day}/{region}/s3/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], scope, hashed])
        signing_key = f"AWS4{SECRET}".encode()
        for word in (day, region, "s3", "aws4_request"):
            signing_key = hmac.digest(signing_key, word.encode(), "sha256")
        expected = hmac.new(signing_key, to_sign.encode(), "sha256").hexdigest()
        is_whole = {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names.split(";"))
        return (key, region, is_whole, signature) == (KEY, REGION, True, expected)
