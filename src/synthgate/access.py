"""How Kafka lets us in: the settings of TLS and SASL, and whether they fit together.

Nothing is read and nobody is asked here; ``connection.py`` makes a client's arguments of it.
"""

from collections.abc import Iterator
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

LOOPBACK = ("localhost", "127.0.0.1", "::1")
NOTHING = SecretStr("")


class Access(BaseModel):
    """Settings of the connection to Kafka. A secret is never printed, nor told in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="of the brokers' listener, by Kafka's names"
    )
    tls_ca_file: str = Field("", description="authorities that sign the brokers (the system's)")
    tls_cert_file: str = Field("", description="our certificate, where brokers ask for one (PEM)")
    tls_key_file: str = Field("", description="its private key (PEM)")
    tls_key_password: SecretStr = Field(NOTHING, description="opens the private key")
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "", description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    )
    sasl_username: str = Field("", description="user of PLAIN and SCRAM")
    sasl_password: SecretStr = Field(NOTHING, description="its password, or:")
    sasl_password_file: str = Field("", description="file that holds the password")
    oauth_token_file: str = Field(
        "", description="file with a bearer token, read at each connection"
    )
    oauth_token_url: str = Field(
        "", description="or: where client credentials become a token (https)"
    )
    oauth_client_id: str = Field("", description="client id at oauth_token_url")
    oauth_client_secret: SecretStr = Field(NOTHING, description="its secret, or:")
    oauth_client_secret_file: str = Field("", description="file that holds the secret")
    oauth_scope: str = Field("", description="scope asked for at oauth_token_url")

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for misfit in self._misfits():
            raise ValueError(misfit)
        return self

    def _misfits(self) -> Iterator[str]:
        """What does not fit together, a sentence each."""
        tls = self.security_protocol in ("SSL", "SASL_SSL")
        sasl = self.security_protocol.startswith("SASL_")
        if not tls:
            for name in ("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_key_password"):
                if _given(self, name):
                    yield f"{name} does nothing over {self.security_protocol}: take SSL or SASL_SSL"
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            yield "tls_cert_file and tls_key_file belong together: give both or neither"
        if self.tls_key_password.get_secret_value() and not self.tls_key_file:
            yield "tls_key_password opens nothing: tls_key_file is not given"
        if sasl and not self.sasl_mechanism:
            yield f"security_protocol {self.security_protocol} needs a sasl_mechanism"
        if not sasl:
            for name in _OF_SASL:
                if _given(self, name):
                    yield f"{name} does nothing over {self.security_protocol}: take SASL_SSL"
        if sasl and not tls and self.sasl_mechanism in ("PLAIN", "OAUTHBEARER"):
            yield f"{self.sasl_mechanism} sends the secret itself: it needs SASL_SSL"
        if self.sasl_mechanism == "OAUTHBEARER":
            yield from self._oauth()
        elif self.sasl_mechanism:
            yield from self._password()

    def _password(self) -> Iterator[str]:
        for name in _OF_OAUTH:
            if _given(self, name):
                yield f"{name} does nothing with {self.sasl_mechanism}: it is for OAUTHBEARER"
        if not self.sasl_username:
            yield f"{self.sasl_mechanism} needs sasl_username"
        yield from self._one_of("sasl_password", "sasl_password_file", self.sasl_mechanism)

    def _oauth(self) -> Iterator[str]:
        for name in ("sasl_username", "sasl_password", "sasl_password_file"):
            if _given(self, name):
                yield f"{name} does nothing with OAUTHBEARER: it is for PLAIN and SCRAM"
        yield from self._one_of("oauth_token_file", "oauth_token_url", "OAUTHBEARER")
        if self.oauth_token_file:
            for name in _OF_OAUTH[2:]:
                if _given(self, name):
                    yield f"{name} does nothing with oauth_token_file: it is for oauth_token_url"
            return
        if not self.oauth_client_id:
            yield "oauth_token_url needs oauth_client_id"
        yield from self._one_of(
            "oauth_client_secret", "oauth_client_secret_file", "oauth_token_url"
        )
        try:
            url = urlsplit(self.oauth_token_url)
            host = url.hostname
        except ValueError:
            yield "oauth_token_url is no address: write it like https://host/path"
            return
        if "@" in url.netloc:
            yield "oauth_token_url holds a secret: it belongs in oauth_client_secret_file"
        if url.scheme != "https" and not (url.scheme == "http" and host in LOOPBACK):
            yield "oauth_token_url must be https: the client secret goes there"

    def _one_of(self, one: str, other: str, what: str) -> Iterator[str]:
        given = [name for name in (one, other) if _given(self, name)]
        if not given:
            yield f"{what} needs {one} or {other}"
        if len(given) == 2:
            yield f"{one} and {other} are both given: which counts? Give one of them"


_OF_OAUTH = (
    "oauth_token_file", "oauth_token_url", "oauth_client_id", "oauth_client_secret",
    "oauth_client_secret_file", "oauth_scope",
)  # fmt: skip
_OF_SASL = ("sasl_mechanism", "sasl_username", "sasl_password", "sasl_password_file", *_OF_OAUTH)


def _given(access: Access, name: str) -> bool:
    value = getattr(access, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
