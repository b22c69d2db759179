# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Blobs in an S3-compatible bucket, named by one address: https://KEY:SECRET@host/bucket/prefix?region=eu-central-1.

The requests are signed by botocore and leave through the house's own client, so the egress policy holds for them too.
Large content travels in parts: neither direction ever holds more than one.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from codexos.kernel.asking import AskOptions
from codexos.kernel.errors import InvalidInput
from codexos.kernel.http import (
    BlockingHttpClient,
    BlockingHttpStream,
    EgressPolicy,
    EgressRefused,
    HttpAnswer,
    HttpLimits,
    Unreachable,
)
from rag.engine.ports import BlobKey
from rag.errors import BlobMissing, StorageFull, StorageUnreachable

PART_BYTES = 8 * 1024 * 1024
_LIMITS = HttpLimits(total_seconds=600.0, body_bytes=1 << 40, redirects=0)
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
# Signed content cannot be changed on the way, not even where the bucket is reached by plain http.
_SIGN_CONTENT = Config(s3={"payload_signing_enabled": True})


class S3UrlInvalid(InvalidInput):
    """CODEXOS_S3_URL cannot be read. Its text is not repeated, for it carries a secret."""

    def __init__(self) -> None:
        super().__init__("CODEXOS_S3_URL must look like https://KEY:SECRET@host/bucket/prefix?region=eu-central-1.")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the blobs are and how to sign in there."""

    address: str
    host: str
    region: str
    key: str
    secret: str

    def __repr__(self) -> str:
        return f"Bucket({self.address!r})"


def parse_s3_url(url: str) -> Bucket:
    """Read CODEXOS_S3_URL. Raises S3UrlInvalid."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not (parts.hostname and parts.username and parts.password):
        raise S3UrlInvalid
    place = parts.path.strip("/")
    if not place:
        raise S3UrlInvalid
    return Bucket(
        address=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{place}",
        host=parts.hostname,
        region=parse_qs(parts.query).get("region", ["us-east-1"])[0],
        key=unquote(parts.username),
        secret=unquote(parts.password),
    )


class S3Blobs:
    """Keeps the BlobStore port by a bucket."""

    def __init__(self, url: str, *, policy: EgressPolicy) -> None:
        self._bucket = parse_s3_url(url)
        self._signer = S3SigV4Auth(Credentials(self._bucket.key, self._bucket.secret), "s3", self._bucket.region)
        self._client = BlockingHttpClient(policy, limits=_LIMITS)

    def keep(self, key: BlobKey, source: Path) -> None:
        """See the port."""
        if self._has(key):
            return
        with source.open("rb") as file:
            first = file.read(PART_BYTES)
            if len(first) < PART_BYTES:
                self._ask("PUT", self._url(key), content=first)
            else:
                self._keep_in_parts(key, first, rest=file)

    def read(self, key: BlobKey, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        if length == 0:
            return iter(())
        end = "" if length is None else start + length - 1
        headers = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        opened = ExitStack()
        with _clear_errors():
            stream = opened.enter_context(self._stream("GET", self._url(key), headers=headers))
        if stream.status not in (200, 206):
            opened.close()
            raise _failure(stream.status, key)
        return _pieces(opened, stream)

    def remove(self, key: BlobKey) -> None:
        """See the port. The bucket says the same of what was there and what was not."""
        self._ask("DELETE", self._url(key))

    def _has(self, key: BlobKey) -> bool:
        with _clear_errors(), self._stream("HEAD", self._url(key)) as stream:
            return stream.status == 200

    def _keep_in_parts(self, key: BlobKey, first: bytes, *, rest: BinaryIO) -> None:
        url = self._url(key)
        found = _UPLOAD_ID.search(self._ask("POST", f"{url}?uploads=").body)
        if found is None:
            raise StorageUnreachable(because="it did not say under which id to send parts")
        upload = f"uploadId={found[1].decode()}"
        try:
            self._ask("POST", f"{url}?{upload}", content=self._send_parts(f"{url}?{upload}", first, rest=rest))
        except Exception:
            # Parts of an upload that was never completed are kept, and paid for, until someone says so.
            with suppress(StorageUnreachable):
                self._ask("DELETE", f"{url}?{upload}")
            raise

    def _send_parts(self, url: str, first: bytes, *, rest: BinaryIO) -> bytes:
        part, number, sent = first, 1, []
        while part:
            answer = self._ask("PUT", f"{url}&partNumber={number}", content=part)
            tag = answer.headers["etag"]
            sent.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
            part, number = rest.read(PART_BYTES), number + 1
        return f"<CompleteMultipartUpload>{''.join(sent)}</CompleteMultipartUpload>".encode()

    def _ask(self, method: str, url: str, *, content: bytes | None = None) -> HttpAnswer:
        with _clear_errors(), self._stream(method, url, content=content) as stream:
            answer = stream.read()
        # The end of an upload in parts may fail after its status was sent, and says so in the body.
        if not answer.is_success or b"<Error>" in answer.body[:1000]:
            raise _failure(answer.status)
        return answer

    @contextmanager
    def _stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Iterator[BlockingHttpStream]:
        request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=content or b"")
        request.context["client_config"] = _SIGN_CONTENT
        self._signer.add_auth(request)
        options = AskOptions(headers=dict(request.headers.items()))
        if content is not None:
            options["content"] = content
        with self._client.stream(method, url, **options) as stream:
            yield stream

    def _url(self, key: BlobKey) -> str:
        return f"{self._bucket.address}/{key.organization_id}/{key.sha256[:2]}/{key.sha256[2:4]}/{key.sha256}"


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (Unreachable, EgressRefused) as error:
        raise StorageUnreachable(because=error.message.rstrip(".")) from error


def _failure(status: int, key: BlobKey | None = None) -> Exception:
    if status == 404 and key is not None:
        return BlobMissing(sha256=key.sha256, because="is not in the bucket")
    return StorageFull() if status == 507 else StorageUnreachable(because=f"it answered with status {status}")


def _pieces(opened: ExitStack, stream: BlockingHttpStream) -> Iterator[bytes]:
    with opened, _clear_errors():
        yield from stream.chunks()
