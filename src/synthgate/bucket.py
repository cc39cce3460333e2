"""A bucket of an S3-compatible object store: what log and media need of one, and no more.

An object is created only if nothing has its name (``If-None-Match: *``, RFC 9110, 13.1.2). An answer can
be lost and the creation tried again: a name that is taken is then looked at, and the same bytes are the same
creation. What the store does not say now is ``BucketAway``: whether it was done is unknown, and it is asked
again later. No answer sends us to another address. Listings are read as what they are: names there were; no
rule rests on a listing that is complete.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, Final, NamedTuple, Self, TypeVar

from synthgate.bucket_access import BucketAccess, Place
from synthgate.bucket_client import BucketWrong, client_of
from synthgate.step import Waiting

log = logging.getLogger(__name__)

PAUSES_S: Final = (0.1, 0.4, 1.6)
"""Between tries, about; then it is the caller's to wait."""
PATIENCE_S: Final = 4.0
"""Nothing is tried again after this: a wait must be declared before the watchdog misses it."""
KEY_BYTES_MAX: Final = 1024
_PROBE: Final = "created-once"
_REFUSED: Final = {
    "NoSuchBucket": "there is no such bucket: make it, or mend the setting",
    "AccessDenied": "these credentials may not use it (AccessDenied)",
    "403": "these credentials may not use it (403)",
    "InvalidAccessKeyId": "the store does not know this access key (InvalidAccessKeyId)",
    "SignatureDoesNotMatch": "the secret is not the access key's (SignatureDoesNotMatch)",
    "ExpiredToken": "the credentials have expired (ExpiredToken)",
    "PermanentRedirect": "it is in another region: set s3_region",
    "AuthorizationHeaderMalformed": "it is in another region: set s3_region",
    "NoCredentialsError": "no credentials: set s3_access_key, or give the process a role",
}
"""What a person must mend, by the store's own codes."""
_PASSING: Final = ("SlowDown", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted")

Found = TypeVar("Found")


class BucketAway(Waiting):
    """The store does not answer, asks us to slow down or refuses: the outcome is unknown, ask again later."""

    def __init__(self, what: str, detail: str, code: str, *, refused: bool) -> None:
        super().__init__(what, detail)
        self.detail = detail
        self.code = code
        self.refused = refused
        """It was understood and not done, and would not be if it were asked again now."""


class Absent(LookupError):
    """Nothing has this name."""


class Listed(NamedTuple):
    """One object of a listing: size in bytes, when it was made (Unix ms)."""

    name: str
    size: int
    at_ms: int


class Bucket:
    """One bucket, below a prefix. Safe to share between threads, not between processes.

    Every method may raise BucketAway. ``what``: the dependency it is waited for as.
    """

    def __init__(self, client: Any, place: Place, what: str) -> None:
        self.place = place
        self._client = client
        self._what = what

    @classmethod
    def open(cls, access: BucketAccess, place: Place, what: str) -> Self:
        """Raises BucketWrong where the extra is missing or the secret cannot be read."""
        return cls(client_of(access), place, what)

    def check(self, *, creates: bool) -> None:
        """Whether the bucket is there and lets us in; of one we write to, whether it creates a name once.

        Raises:
            BucketWrong: what is wrong, by the bucket's name.
        """
        try:
            next(self._pages("", limit=1), None)
            made = creates and all(self._put_new(_PROBE, b"synthgate\n") for _ in "12")
        except BucketAway as error:
            if error.code == "NotImplemented":
                raise BucketWrong(f"{self.place}: {_NO_FENCE}") from None
            if error.refused:
                why = _REFUSED.get(error.code, f"the store refuses ({error.code})")
                raise BucketWrong(f"{self.place}: {why}") from None
            raise
        if made:
            raise BucketWrong(f"{self.place}: {_NO_FENCE}")

    def lets_in(self) -> bool:
        """Whether it lets us look what lies there."""
        try:
            next(self._pages("", limit=1), None)
        except BucketAway as error:
            if not error.refused:
                raise
            return False
        return True

    def takes(self, name: str) -> bool:
        """Whether an object can have this name: a key has so many bytes at most."""
        return len(f"{self.place.prefix}{name}".encode("utf-8", "replace")) <= KEY_BYTES_MAX

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Some bytes of an object, fewer where it ends; None: all from ``start`` on. Raises Absent."""
        if start == 0 and length is None:
            return self._read(name, {})[0]
        end = "" if length is None else start + length - 1
        data, _, part = self._read(name, {"Range": f"bytes={start}-{end}"})
        return data if part else data[start:][:length]

    def tail(self, name: str, length: int) -> tuple[bytes, int]:
        """The last ``length`` (1 or more) bytes of an object, or all, and its size. Raises Absent."""
        data, size, _ = self._read(name, {"Range": f"bytes=-{length}"})
        return data[-length:], size

    def size(self, name: str) -> int | None:
        """An object's size in bytes, None if there is none of this name."""
        # Not HEAD: its 404 does not say whether the object is missing or the whole bucket.
        try:
            return self._read(name, {"Range": "bytes=0-0"})[1]
        except Absent:
            return None

    def create(self, name: str, data: bytes | IO[bytes]) -> bool:
        """Create an object, whole and durable, if nothing has its name; whether it stands with these bytes."""
        if self._put_new(name, data):
            return True
        try:
            found = self.get(name)
        except Absent:  # whose it was nobody can say any more
            raise BucketAway(
                self._what, f"{self.place}{name} was there and is gone", "gone", refused=False
            ) from None
        if isinstance(data, bytes):
            return found == data
        data.seek(0)
        return _same(data, found)

    def replace(self, name: str, data: bytes) -> None:
        """Put an object, whatever had its name: for what is of no authority."""
        self._ask("put", lambda: self._client.put_object(**self._key(name), Body=data))

    def remove(self, name: str) -> None:
        """Remove an object; none of this name is no fault."""
        self._ask("delete", lambda: self._client.delete_object(**self._key(name)))

    def names(self, below: str = "", after: str = "") -> Iterator[Listed]:
        """What lies below a step, by names without what comes before them; those behind ``after``, in order."""
        for page in self._pages(below, after=after):
            for row in page.get("Contents", ()):
                name = row["Key"].removeprefix(self.place.prefix + below)
                yield Listed(name, row["Size"], int(row["LastModified"].timestamp() * 1000))

    def folders(self) -> list[str]:
        """The first steps that names have."""
        return [
            row["Prefix"].removeprefix(self.place.prefix).rstrip("/")
            for page in self._pages("", delimiter="/")
            for row in page.get("CommonPrefixes", ())
        ]

    def _pages(
        self, below: str, *, after: str = "", delimiter: str = "", limit: int = 1000
    ) -> Iterator[Any]:
        begins = self.place.prefix + below
        asked = {"Bucket": self.place.bucket, "Prefix": begins}
        if after:
            asked["StartAfter"] = begins + after
        more: dict[str, Any] = {"MaxKeys": limit} | ({"Delimiter": delimiter} if delimiter else {})
        while True:
            page = self._ask("list", lambda: self._client.list_objects_v2(**asked, **more))
            yield page
            if not page.get("IsTruncated"):
                return
            more["ContinuationToken"] = page["NextContinuationToken"]

    def _put_new(self, name: str, data: bytes | IO[bytes]) -> bool:
        """Whether it was created now; False: the name is taken, maybe by a try whose answer was lost."""

        def put() -> bool:
            if not isinstance(data, bytes):
                data.seek(0)
            said = self._client.put_object(**self._key(name), Body=data, IfNoneMatch="*")
            if not said.get("ETag"):  # not the store's answer: something between us says yes to all
                raise BucketAway(self._what, f"{self.place}: no ETag", "no ETag", refused=True)
            return True

        try:
            return self._ask("create", put)
        except _Taken:
            return False

    def _read(self, name: str, asked: dict[str, str]) -> tuple[bytes, int, bool]:
        """Bytes, none past the end; the size of the whole; whether the store gave the range alone."""

        def read() -> tuple[bytes, int, bool]:
            found = self._client.get_object(**self._key(name), **asked)
            data = found["Body"].read()
            _, slash, size = found.get("ContentRange", "").partition("/")
            return data, int(size) if slash else len(data), bool(slash)

        try:
            return self._ask("read", read)
        except _PastEnd:
            return b"", 0, True

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self.place.prefix + name}

    def _ask(self, doing: str, call: Callable[[], Found]) -> Found:
        """What ``call`` returns; tried again where the fault may pass."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        until = time.monotonic() + PATIENCE_S
        for pause in (*PAUSES_S, None):
            try:
                return call()
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                code = str(error.response.get("Error", {}).get("Code", status))
                if code == "NoSuchKey":
                    raise Absent(self.place) from None
                if status in _ANSWERS and doing in ("create", "read"):
                    raise _ANSWERS[status] from None
                passing = status >= 500 or status == 429 or code in _PASSING
            except (BotoCoreError, ResponseParserError) as error:
                code = type(error).__name__
                passing = code not in _REFUSED
            if not passing or pause is None or time.monotonic() > until:
                break
            time.sleep(pause * random.uniform(0.5, 1.5))
        log.warning("%s: %s: %s", self.place, doing, code)  # the code: its text may quote names
        raise BucketAway(
            self._what, f"{self.place} does not {doing}: {code}", code, refused=not passing
        )


class _Taken(Exception):
    """The name is taken."""


class _PastEnd(Exception):
    """The bytes asked for lie behind the end."""


_ANSWERS: Final[dict[int, type[Exception]]] = {412: _Taken, 416: _PastEnd}
_NO_FENCE: Final = (
    "the store lets a name be created twice (no If-None-Match): two workers could write one entry of the log;"
    " take another store"
)


def _same(file: IO[bytes], data: bytes) -> bool:
    """Whether a file from where it stands on holds these bytes."""
    rest = memoryview(data)
    while piece := file.read(1 << 20):
        if piece != rest[: len(piece)]:
            return False
        rest = rest[len(piece) :]
    return not rest
