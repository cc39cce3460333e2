"""What an operator may change: environment ``SYNTHGATE_*`` over a TOML file, read once, unknown names refused.

What a lawyer may change lives in ``law/``; what neither may is a named constant where it is used.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator

from synthgate.bucket_access import BucketAccess, Place
from synthgate.events.topics import INTAKE_IN, OUTSIDE

PREFIX = "SYNTHGATE_"
_NOT_OURS = ("SYNTHGATE_TEST_BROKERS", "SYNTHGATE_CACHE", "SYNTHGATE_CONFIG")
"""Variables other parts read themselves."""


class SettingsError(ValueError):
    """A setting is unknown or wrong; the message names it and how to mend it."""


class Settings(BucketAccess):
    """Every setting, with its unit last in the name. Those of the connection are in ``access.py``, those of
    the object store in ``bucket_access.py``.
    """

    brokers: str = Field("127.0.0.1:9092", description="bootstrap servers, comma separated")
    topic_prefix: str = Field("", description="put before every topic and group name")
    partitions: int = Field(12, ge=1, le=4096, description="partitions of every topic")
    replicas: int = Field(3, ge=1, description="replicas of every topic")
    insync_min: int = Field(2, ge=1, description="min.insync.replicas of every topic")
    epoch: int = Field(1, ge=1, description="raise it when a source topic is recreated")
    data_dir: Path = Field(Path("var"), description="folder of log, objects and keys")
    log_name: str = Field(
        "synthgate.local", pattern=r"^[^\s+]{1,200}$",
        description="names the logs in checkpoints; your domain, never changed",
    )  # fmt: skip
    provider_code: str = Field("", description="27-character provider code (TC260-PG-20252A)")
    provider_sample: bool = Field(default=False, description="allow the marked sample code (demo)")
    enforced: bool = Field(default=True, description="false: observe mode, no pass is made")
    label_text: str = Field("AI生成", description="explicit label sentence put into text")
    label_clip: str = Field(
        "", description="file: WAV in which a voice says the label, instead of the rhythm"
    )
    label_clip_text: str = Field(
        "", description="what is said in it, 120 to 160 characters a minute"
    )
    media_roots: str = Field(
        "", pattern=r"^([^=,/]+=(/|s3://)[^=,]+(,[^=,/]+=(/|s3://)[^=,]+)*)?$",
        description="TENANT=/FOLDER or TENANT=s3://BUCKET/PREFIX, comma separated: where its files lie",
    )  # fmt: skip
    media_bytes_max: int = Field(268_435_456, ge=1, description="size of a generated file, at most")
    media_s: int = Field(300, ge=1, description="labelling a film or a sound may take this long")
    media_memory_mib: int = Field(
        4096, ge=256, description="memory a process that labels one may have"
    )
    c2pa_chain: str = Field(
        "", description="file: certificates that sign C2PA manifests, leaf first, PEM (an extra)"
    )
    c2pa_key: str = Field("", description="file: the leaf's private key, PEM")
    c2pa_roots: str = Field(
        "", description="file: authorities by which what was signed must verify, PEM"
    )
    consent_keys: str = Field(
        "", description="file or https address: JWK set of who signs consents (Ed25519)"
    )
    kms_command: str = Field(
        "", description="program that wraps and unwraps under a KMS's key (src/RECOVERY.md)"
    )
    kms_key: str = Field("", pattern=r"^[^\s]{0,200}$", description="name of the KMS's key")
    consents_copied: bool = Field(
        default=True,
        description="false: consents travel signed in events, facts.consents is not read",
    )
    store: Literal["memory", "rocksdb"] = Field(
        "memory", description="where copies of registries live; rocksdb is an extra"
    )
    skew_max_s: int = Field(
        600, ge=1, le=86_400, description="event time from append time, at most"
    )
    repeat_window_s: int = Field(3600, ge=0, description="platform repeats answered from the log")
    snapshot_s: int = Field(
        3600, gt=0, description="log entries wait for a snapshot at most this long"
    )
    serve_minutes: int = Field(15, ge=1, description="a pass serves objects this long")
    cite_hours: int = Field(72, ge=1, description="a later event may cite a pass this long")
    scorers: str = Field("", description="file: services that score content (src/REVIEWERS.md)")
    hold_hours: int = Field(24, ge=1, description="an unanswered hold expires after this")
    retry_s: int = Field(30, ge=1, description="a hold: retry comes back after this")
    shadow_minutes: int = Field(
        60, ge=0, description="a new library version is only watched so long"
    )
    guard_users: int = Field(
        50, ge=1, description="people refused within an hour, at least, before penalties wait"
    )
    guard_times: int = Field(
        5, ge=1, description="so many times what is usual in an hour, before penalties wait"
    )
    pdf_font: str = Field("", description="file: font of printed reports (empty: the extra pdf's)")
    review_minutes: int = Field(60, ge=1, description="our target: a person has judged a hold")
    lease_minutes: int = Field(
        15, ge=1, le=1440, description="a claimed review task is kept so long"
    )
    second_opinion_percent: int = Field(
        5, ge=0, le=100, description="review tasks two people judge"
    )
    delivery_minutes: int = Field(
        0, ge=0, description="what was let out is reported as delivered within this; 0: not watched"
    )
    operator_kind: Literal["cii", "state_organ", "other"] = Field(
        "other",
        description="who reports network incidents: critical infrastructure, organ of the state, other",
    )
    intake_map: str = Field("", description="file: a platform's own events as ours (src/guides)")
    intake_in: str = Field("", description="the platform's topic `worker intake` reads")
    intake_out: str = Field("", description="the platform's topic `worker replies` writes to")
    instance: str = Field("", description="static group membership id; one per worker")
    web_host: str = Field("127.0.0.1", description="address of /metrics, /readyz, /livez")
    web_port: int = Field(0, ge=0, le=65535, description="port of /metrics; 0 picks one")
    log_format: Literal["text", "json"] = Field("text", description="lines of a worker's log")
    otel_endpoint: str = Field("", description="where spans go, OTLP/HTTP (extra otel)")
    otel_percent: float = Field(
        0.0, ge=0, le=100, description="of events without traceparent so many percent are traced"
    )
    api_host: str = Field("127.0.0.1", description="address of `synthgate api`")
    api_port: int = Field(8443, ge=0, le=65535, description="port of `synthgate api`; 0 picks one")
    api_tls_cert_file: str = Field("", description="certificate of `synthgate api` (PEM)")
    api_tls_key_file: str = Field("", description="its private key (PEM)")
    api_tls_client_ca_file: str = Field(
        "", description="authorities whose clients alone may connect to `synthgate api`"
    )
    api_behind_proxy: bool = Field(
        default=False, description="true: another ends TLS, `synthgate api` may listen without"
    )
    api_wait_s: float = Field(
        10.0, ge=0, le=60, description="`synthgate api` waits for a decision, at most"
    )
    api_upload_bytes_max: int = Field(
        33_554_432, ge=1, description="size of a file whose label is checked by HTTP, at most"
    )
    drain_s: float = Field(25.0, gt=0, description="SIGTERM: finish within this, then leave")
    revoke_s: float = Field(10.0, gt=0, description="rebalance: finish within this")
    stall_s: float = Field(30.0, gt=0, description="lag without progress or declared wait, at most")
    batch_records: int = Field(5000, ge=1, description="records fetched at once, at most")
    session_timeout_s: float = Field(45.0, gt=0, description="group session time-out")

    @property
    def heartbeat_s(self) -> float:
        """How often a worker tells its group that it lives."""
        return self.session_timeout_s / 6

    @property
    def ledger_dir(self) -> Path:
        """Folder of the log segments."""
        return self.data_dir / "ledger"

    @property
    def userkeys_dir(self) -> Path:
        """Folder of the users' key files."""
        return self.ledger_dir / "userkeys"

    @property
    def proofs_dir(self) -> Path:
        """Folder of checkpoints and Merkle tiles, one folder a log (C2SP tlog-tiles)."""
        return self.data_dir / "proofs"

    @property
    def holds_path(self) -> Path:
        """The file of legal holds."""
        return self.data_dir / "holds.json"

    @property
    def exports_path(self) -> Path:
        """The register of evidence given away."""
        return self.data_dir / "exports.jsonl"

    @property
    def api_keys_path(self) -> Path:
        """Who may ask ``synthgate api``: hashes of keys."""
        return self.data_dir / "api-keys.json"

    @property
    def trace_path(self) -> Path:
        """The trace index: derived, may be removed."""
        return self.data_dir / "trace.sqlite3"

    @property
    def likeness_path(self) -> Path:
        """The index of released pictures by likeness: derived, may be removed."""
        return self.data_dir / "likeness.sqlite3"

    def proofs_of(self, log: int) -> Path:
        """Where one log's checkpoints and tiles lie."""
        return self.proofs_dir / f"{log:05d}"

    @property
    def stores_dir(self) -> Path:
        """Folder of this worker's registry copies, if they are kept on disk."""
        return self.data_dir / "registries" / (self.instance or "worker")

    @property
    def objects_dir(self) -> Path:
        """Folder of labelled objects."""
        return self.data_dir / "objects"

    @property
    def media_folders(self) -> dict[str, Path]:
        """Where generated files are taken from, by tenant."""
        return {tenant: Path(root) for tenant, root in self._roots() if root.startswith("/")}

    @property
    def media_buckets(self) -> dict[str, Place]:
        """The same of tenants whose files lie in a bucket."""
        return {tenant: Place.parse(root) for tenant, root in self._roots() if root[0] != "/"}

    def _roots(self) -> list[tuple[str, str]]:
        pairs = (pair.partition("=") for pair in self.media_roots.split(",") if pair)
        return [(tenant.strip(), root) for tenant, _, root in pairs]

    @model_validator(mode="after")
    def _roots_fit(self) -> Self:
        self.media_buckets  # noqa: B018 (a place that is none is said here)
        return self

    @model_validator(mode="after")
    def _spans_fit(self) -> Self:
        scheme, _, rest = self.otel_endpoint.partition("://")
        if "@" in rest.partition("/")[0]:
            raise ValueError(
                "otel_endpoint holds a secret: it belongs in OTEL_EXPORTER_OTLP_HEADERS"
            )
        if self.otel_endpoint and (scheme not in ("http", "https") or not rest):
            raise ValueError(
                "otel_endpoint is no address: write it like https://host:4318/v1/traces"
            )
        return self

    @property
    def keys_dir(self) -> Path:
        """Folder of key files."""
        return self.data_dir / "keys"

    def topic(self, name: str) -> str:
        """Physical name of a topic; those of the platform have no prefix of ours."""
        if name in OUTSIDE:
            return self.intake_in if name == INTAKE_IN else self.intake_out
        return self.topic_prefix + name

    def group(self, duty: str) -> str:
        """Consumer group of a duty, or of a stage beside them: one for each topic of the platform's."""
        topic = {"intake": self.intake_in, "replies": self.intake_out}.get(duty)
        return f"{self.topic_prefix}synthgate.{duty}" + (f".{topic}" if topic else "")

    @classmethod
    def load(
        cls, path: Path | None = None, environ: Mapping[str, str] | None = None, **over: Any
    ) -> Self:
        """File, then environment, then ``over``.

        Raises:
            SettingsError: unknown or wrong setting, or an unreadable file.
        """
        environ = os.environ if environ is None else environ
        if path is None and environ.get("SYNTHGATE_CONFIG"):
            path = Path(environ["SYNTHGATE_CONFIG"])
        values: dict[str, Any] = {}
        if path is not None:
            values |= _from_file(path)
        for name, value in environ.items():
            if name.startswith(PREFIX) and name not in _NOT_OURS:
                values[name.removeprefix(PREFIX).lower()] = value
        values |= {name: value for name, value in over.items() if value is not None}
        for name in values:
            if name not in cls.model_fields:
                raise SettingsError(_unknown(name, cls))
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(_wrong(error, values, cls)) from None


SECRETS = tuple(
    name for name, field in Settings.model_fields.items() if field.annotation is SecretStr
)
"""Settings that are never printed and never taken from a command line."""


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: {error}") from None


def _wrong(error: ValidationError, values: Mapping[str, Any], cls: type[BaseModel]) -> str:
    """What is wrong, without any secret; a misfit of several settings is its own sentence."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if not name:
        return f"settings: {first['msg'].removeprefix('Value error, ')}"
    got = "" if name in SECRETS else f", got {values[name]!r}"
    return (
        f"setting {name} (or {PREFIX}{name.upper()}): {first['msg']}{got}; it is:"
        f" {cls.model_fields[name].description}"
    )


def _unknown(name: str, cls: type[BaseModel]) -> str:
    near = difflib.get_close_matches(name, cls.model_fields, n=1)
    hint = f"; did you mean {near[0]} ({PREFIX}{near[0].upper()})?" if near else ""
    return f"unknown setting {name}{hint} (`synthgate config show` lists all)"
