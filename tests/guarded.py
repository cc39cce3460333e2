"""A real Kafka that lets in only whom it knows: TLS, SASL, and the ACLs our own command prints."""

import secrets
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certificates import Authority, Issuer
from synthgate.broker.guard import Guard
from synthgate.broker.kafka import KafkaCluster
from synthgate.events.topic_configs import rights
from synthgate.settings import Settings

PARTS = tuple(sorted({right.who for right in rights()}))
ADMIN = "admin"
PATIENCE_S = 60.0
VALUED = {"--bootstrap-server", "--command-config", "--allow-principal"}


@dataclass
class Guarded:
    """One cluster, its users and how each of them is let in."""

    folder: Path
    words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authority = Authority(self.folder)
        self.issuer = Issuer(self.folder / "jwks.json")
        for name in (ADMIN, "stranger", *(f"synthgate-{part}" for part in PARTS)):
            self.words[name] = secrets.token_hex(12)
            self.word_file(name).write_text(self.words[name])
            self.word_file(name).chmod(0o600)
        guard = Guard(
            self.authority.sign_in_one("broker"), self.authority.file, self.words, ADMIN,
            self.issuer.keys,
        )  # fmt: skip
        self.cluster = KafkaCluster(1, guard=guard)

    def word_file(self, name: str) -> Path:
        return self.folder / f"{name}.word"

    def access(self, name: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, Any]:
        """Settings that let this user in."""
        return {
            "security_protocol": "SASL_SSL", "tls_ca_file": str(self.authority.file),
            "sasl_mechanism": mechanism, "sasl_username": name,
            "sasl_password_file": str(self.word_file(name)),
        }  # fmt: skip

    def settings(self, name: str, prefix: str, folder: Path, **over: Any) -> Settings:
        given: dict[str, Any] = {
            "brokers": self.cluster.bootstrap, "topic_prefix": prefix, "data_dir": folder,
            "partitions": 2, "replicas": 1, "insync_min": 1, "session_timeout_s": 10,
            **self.access(name),
        }  # fmt: skip
        return Settings.load(None, {}, **{**given, **over})

    def allow(self, commands: str) -> int:
        """Do what kafka-acls.sh would do with these commands; how many ACLs that makes."""
        from confluent_kafka.admin import (
            AclBindingFilter,
            AclOperation,
            AclPermissionType,
            AdminClient,
            ResourcePatternType,
            ResourceType,
        )

        made = [acl for line in commands.splitlines() for acl in acls(line)]
        client = AdminClient(
            {
                "bootstrap.servers": self.cluster.bootstrap, "security.protocol": "SASL_SSL",
                "ssl.ca.location": str(self.authority.file), "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": ADMIN, "sasl.password": self.words[ADMIN],
            }
        )  # fmt: skip
        for done in client.create_acls(made).values():
            done.result(PATIENCE_S)
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
            AclPermissionType.ANY,
        )  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        # The controller has them; the broker, which is asked, follows a moment later.
        while not set(made) <= set(client.describe_acls(every).result(PATIENCE_S)):
            assert time.monotonic() < until, "the broker does not follow its ACLs"
            time.sleep(0.05)
        return len(made)


def acls(line: str) -> list[Any]:
    """The ACLs one kafka-acls.sh command makes; every option must be one it has."""
    from confluent_kafka.admin import (
        AclBinding,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    words = shlex.split(line)
    assert words.pop(0) == "kafka-acls.sh"
    words.remove("--add")
    pairs = list(zip(words[::2], words[1::2], strict=True))
    assert {name for name, _ in pairs} <= VALUED | {"--operation", "--topic", "--group"}, line
    (principal,) = (value for name, value in pairs if name == "--allow-principal")
    verbs = [
        AclOperation["DESCRIBE_CONFIGS" if value == "DescribeConfigs" else value.upper()]
        for name, value in pairs
        if name == "--operation"
    ]
    kinds = {"--topic": ResourceType.TOPIC, "--group": ResourceType.GROUP}
    return [
        AclBinding(
            kinds[name], value, ResourcePatternType.LITERAL, principal, "*", verb,
            AclPermissionType.ALLOW,
        )
        for name, value in pairs
        if name in kinds
        for verb in verbs
    ]  # fmt: skip
