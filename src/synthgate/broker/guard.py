"""A listener that lets in only whom it knows: TLS, SASL and Kafka's own ACLs, for one cluster."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
LISTENER = "SASL_SSL"
AUDIENCE = "synthgate"
ISSUER = "https://issuer.invalid"
"""What a bearer token must name; nobody is asked there."""
_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Guard:
    """Who gets in at the clients' listener, and by which certificate the cluster is known.

    certificate: PEM file of private key and certificate, made for 127.0.0.1; authority: PEM file.
    users: name to password, for SCRAM and PLAIN; ``admin`` may do everything, the others what ACLs say.
    keys: JWKS file; with it OAUTHBEARER is offered, the token's ``sub`` is the user.
    """

    certificate: Path
    authority: Path
    users: Mapping[str, str]
    admin: str = "admin"
    keys: Path | None = None

    def rows(self) -> dict[str, str | Path]:
        """Rows of server.properties.

        The controllers' listener is plain and on loopback: what comes there is the cluster itself,
        and Kafka calls it ANONYMOUS. Nobody is anonymous at the clients' listener.
        """
        mechanisms = [*SCRAM, "PLAIN", *(["OAUTHBEARER"] if self.keys else [])]
        own = f'username="{self.admin}" password="{self.users[self.admin]}"'
        known = " ".join(f'user_{name}="{word}"' for name, word in self.users.items())
        named = "listener.name.sasl_ssl"
        rows: dict[str, str | Path] = {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{self.admin};User:ANONYMOUS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificate,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority,
            "sasl.enabled.mechanisms": ",".join(mechanisms),
            "sasl.mechanism.inter.broker.protocol": SCRAM[1],
            f"{named}.plain.sasl.jaas.config": f"{_LOGIN}.plain.PlainLoginModule required {known};",
        }
        for mechanism in SCRAM:
            rows[f"{named}.{mechanism.lower()}.sasl.jaas.config"] = (
                f"{_LOGIN}.scram.ScramLoginModule required {own};"
            )
        if self.keys:
            bearer = f"{_LOGIN}.oauthbearer.OAuthBearer"
            at = f"{named}.oauthbearer.sasl"
            rows |= {
                f"{at}.jaas.config": f"{bearer}LoginModule required;",
                f"{at}.server.callback.handler.class": f"{bearer}ValidatorCallbackHandler",
                f"{at}.oauthbearer.jwks.endpoint.url": self.keys.as_uri(),
                f"{at}.oauthbearer.expected.audience": AUDIENCE,
                f"{at}.oauthbearer.expected.issuer": ISSUER,
            }
        return rows

    def scram(self) -> Iterator[str]:
        """Options of kafka-storage: the users, known from the first start on."""
        for name, word in self.users.items():
            for mechanism in SCRAM:
                yield "--add-scram"
                yield f"{mechanism}=[name={name},password={word}]"

    def jvm(self) -> Iterator[str]:
        """Options of the broker's JVM: files it may take keys from."""
        if self.keys:
            yield f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.keys.as_uri()}"
