"""botocore's client for an object store, made once: one try a call, at the address that was set."""

import functools
from pathlib import Path
from typing import Any, Final

from synthgate.bucket_access import BucketAccess

CONNECT_S: Final = 5.0
CONNECTIONS_MAX: Final = 128


class BucketWrong(Exception):
    """A bucket that cannot be used; the sentence says why and what to mend."""


@functools.lru_cache(maxsize=8)
def client_of(access: BucketAccess) -> Any:
    """Raises BucketWrong where the extra is missing or the secret cannot be read."""
    try:
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise BucketWrong("buckets need the extra s3: pip install 'synthgate[s3]'") from None
    key, secret = access.s3_access_key.get_secret_value(), access.s3_secret_key.get_secret_value()
    if access.s3_secret_key_file:
        try:
            secret = Path(access.s3_secret_key_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BucketWrong(f"{access.s3_secret_key_file}: {error.strerror}") from None
    try:
        client = _made(botocore.session.Session(), Config, access, key, secret)
    except (BotoCoreError, ValueError) as error:
        raise BucketWrong(
            f"no client of the object store can be made: {type(error).__name__};"
            " look at s3_endpoint, s3_region and the AWS environment"
        ) from None
    client.meta.events.register_last("before-parameter-build.s3", _stay)
    return client


def _made(session: Any, config: Any, access: BucketAccess, key: str, secret: str) -> Any:
    region = access.s3_region or session.get_config_variable("region") or "us-east-1"
    return session.create_client(
        "s3",
        region_name=region,
        endpoint_url=access.s3_endpoint or None,
        aws_access_key_id=key or None,
        aws_secret_access_key=secret or None,
        config=config(
            connect_timeout=min(CONNECT_S, access.s3_timeout_s),
            read_timeout=access.s3_timeout_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=CONNECTIONS_MAX,
            s3={"addressing_style": "path" if access.s3_endpoint else "auto"},
            # Stores that are not AWS refuse checksums they do not know; ours are in the bytes.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _stay(context: dict[str, Any], **_: Any) -> None:
    """Tell botocore that this call was redirected before: it follows none further."""
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}
