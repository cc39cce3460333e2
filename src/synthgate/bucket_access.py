"""How an object store lets us in: the settings of it, and whether they fit together.

Nothing is read and nobody is asked here; ``bucket.py`` makes a client of it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from synthgate.access import LOOPBACK, NOTHING, Access

PLACE = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.'()-]+)*/?"
"""A bucket, and a prefix in it of whole steps; characters every store takes as they are."""


class Place(NamedTuple):
    """A bucket and what its keys of ours begin with: empty, or ending in ``/``."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """``s3://BUCKET/PREFIX``. ValueError if it is none."""
        if re.fullmatch(PLACE, text) is None:
            raise ValueError(f"not a bucket: {text!r}; write it as s3://BUCKET/PREFIX")
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if any(step in ("", ".", "..") for step in prefix.rstrip("/").split("/") if prefix):
            raise ValueError(f"{text!r}: a prefix has no step that is empty, . or ..")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/")

    def below(self, step: str) -> "Place":
        """One step further down."""
        return Place(self.bucket, f"{self.prefix}{step}/")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class BucketAccess(Access):
    """Settings of the object store. A secret is never printed, nor told in an error."""

    bucket: str = Field(
        "",
        description="s3://BUCKET/PREFIX: log segments and labelled objects lie there (extra s3)",
    )
    s3_endpoint: str = Field("", description="https address of the store, if it is not AWS")
    s3_region: str = Field("", description="region of the buckets (the environment's)")
    s3_access_key: SecretStr = Field(
        NOTHING, description="access key id; without it the AWS environment or role counts"
    )
    s3_secret_key: SecretStr = Field(NOTHING, description="its secret, or:")
    s3_secret_key_file: str = Field("", description="file that holds the secret")
    s3_timeout_s: float = Field(10.0, gt=0, le=25, description="the store answers within this")

    @property
    def place(self) -> Place | None:
        """Where segments and objects lie, None: in folders."""
        return Place.parse(self.bucket) if self.bucket else None

    @model_validator(mode="after")
    def _bucket_fits(self) -> Self:
        for misfit in self._bucket_misfits():
            raise ValueError(misfit)
        return self

    def _bucket_misfits(self) -> Iterator[str]:
        if self.bucket:
            Place.parse(self.bucket)
        try:
            url = urlsplit(self.s3_endpoint)
            host = url.hostname
        except ValueError:
            yield "s3_endpoint is no address: write it like https://host"
            return
        if "@" in url.netloc:
            yield "s3_endpoint holds a secret: it belongs in s3_secret_key_file"
        if self.s3_endpoint and (not host or url.query or url.path.strip("/")):
            yield "s3_endpoint is the address of the store alone: write it like https://host"
        safe = url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)
        if self.s3_endpoint and not safe:
            yield "s3_endpoint must be https: media travel there as they are"
        secrets = [name for name in _SECRET if _given(self, name)]
        if bool(self.s3_access_key.get_secret_value()) != bool(secrets):
            yield "s3_access_key and its secret belong together: give both or neither"
        if len(secrets) == 2:
            yield "s3_secret_key and s3_secret_key_file are both given: which counts? Give one"


_SECRET = ("s3_secret_key", "s3_secret_key_file")


def _given(access: BucketAccess, name: str) -> bool:
    value = getattr(access, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
