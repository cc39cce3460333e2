"""Events for ``generation.events``, built from what an app has at hand.

Ids and times are the caller's or made here; everything else is as given. Nothing is checked yet:
``check.py`` does that once, before sending.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from synthgate.events.event import Event

ID_BYTES: Final = 16
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now_ms() -> int:
    """This machine's clock, Unix ms."""
    return time.time_ns() // 1_000_000


def rfc3339(at_ms: int) -> str:
    """Unix ms as an RFC 3339 moment in UTC, the form every event bears."""
    moment = _UNIX_EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def random_id() -> str:
    """128 random bits in hex: unique without asking anybody."""
    return secrets.token_hex(ID_BYTES)


@dataclass(frozen=True, slots=True)
class Generation:
    """What is generated: the same object serves the request, the result and what follows."""

    id: str
    template: str
    medium: str = "text"
    model: str | None = None
    purpose: str | None = None
    publish: bool | None = None

    def row(self) -> dict[str, Any]:
        """As an event bears it; what is not set is left out."""
        return _set(
            id=self.id, medium=self.medium, template=self.template, model=self.model,
            purpose=self.purpose, publish=self.publish,
        )  # fmt: skip


class Events:
    """Builds the events of one tenant from one source (a CloudEvents source: a URI of the app).

    Every method takes besides its own arguments ``id``, ``at_ms`` (the act's own time), ``traceparent`` and any
    further member of the data by name (``net=``, ``regimes=``, ``role=``, ``answer_by=``).
    """

    def __init__(
        self,
        tenant: str,
        source: str,
        *,
        new_id: Callable[[], str] = random_id,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self.tenant = tenant
        self.source = source
        self._new_id = new_id
        self._clock_ms = clock_ms

    def build(
        self,
        event_type: str,
        user: str,
        *,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
        at_ms: int | None = None,
        traceparent: str | None = None,
        pass_text: str | None = None,
        **data: Any,
    ) -> Event:
        """Any event of a person. Members that are None are left out; pass_text becomes ``pass``."""
        attrs = _set(
            specversion="1.0",
            id=self._new_id() if id is None else id,
            source=self.source,
            type=event_type,
            time=rfc3339(self._clock_ms() if at_ms is None else at_ms),
            traceparent=traceparent,
        )
        if pass_text is not None:
            data["pass"] = pass_text
        return Event(attrs, {"tenant": self.tenant, "user": {"id": user}, **_set(**data)})

    def requested(
        self,
        user: str,
        generation: Generation,
        *,
        prompt: str,
        subjects: Sequence[Mapping[str, Any]] = (),
        objects: Sequence[Mapping[str, Any]] = (),
        **rest: Any,
    ) -> Event:
        """generation.requested: no model call before its release."""
        return self.build(
            "generation.requested", user,
            generation=generation.row(), subjects=_rows(subjects),
            content=_set(prompt=prompt, objects=_rows(objects)), **rest,
        )  # fmt: skip

    def completed(
        self,
        user: str,
        generation: Generation,
        *,
        pass_text: str | None,
        text: str | None = None,
        objects: Sequence[Mapping[str, Any]] = (),
        subjects: Sequence[Mapping[str, Any]] = (),
        **rest: Any,
    ) -> Event:
        """generation.completed: nothing but the named objects is delivered, and only after its release.

        pass_text: of the decision on the request.
        """
        return self.build(
            "generation.completed", user,
            generation=generation.row(), subjects=_rows(subjects),
            content=_set(text=text, objects=_rows(objects)), pass_text=pass_text, **rest,
        )  # fmt: skip

    def segment(
        self,
        user: str,
        generation: Generation,
        *,
        pass_text: str | None,
        text: str,
        index: int,
        last: bool = False,
        shown: str = "",
        **rest: Any,
    ) -> Event:
        """generation.segment: one part of a streamed answer, from 0; show it after its release alone.

        pass_text: of the release before: of the request for part 0, then of the part before. shown: the end of
        what was shown before this part, as ``synthgate.client.shown_after`` gives it.
        """
        row = generation.row() | {"segment": {"index": index, "last": last}}
        return self.build(
            "generation.segment", user,
            generation=row, content=_set(text=text, shown=shown or None), pass_text=pass_text, **rest,
        )  # fmt: skip

    def published(
        self, user: str, generation: Generation, *, pass_text: str | None, **rest: Any
    ) -> Event:
        """content.published: not before its release. pass_text: of the decision on the result."""
        return self._following("content.published", user, generation, pass_text, rest)

    def exported(
        self, user: str, generation: Generation, *, pass_text: str | None, **rest: Any
    ) -> Event:
        """asset.exported: a labelled copy leaves the platform, not before its release."""
        return self._following("asset.exported", user, generation, pass_text, rest)

    def unlabelled(
        self, user: str, generation: Generation, *, pass_text: str | None, **rest: Any
    ) -> Event:
        """export.unlabelled_requested: the user asks for a copy without the mark (LBL 9).

        ``content=``: the labelled ``objects``; and the ``text`` itself, or their ``originals`` as named before.
        """
        return self._following("export.unlabelled_requested", user, generation, pass_text, rest)

    def transformed(
        self, user: str, generation: Generation, *, pass_text: str | None, **rest: Any
    ) -> Event:
        """content.transformed: ``content=`` what was made, and the released ``parents`` of it (DSP 18)."""
        return self._following("content.transformed", user, generation, pass_text, rest)

    def delivered(
        self, user: str, generation: Generation, *, pass_text: str | None, **rest: Any
    ) -> Event:
        """content.delivered: who got what (``recipient=``, ``objects=``)."""
        return self._following("content.delivered", user, generation, pass_text, rest)

    def account_registered(self, user: str, **rest: Any) -> Event:
        """account.registered."""
        return self.build("account.registered", user, **rest)

    def identity_verified(
        self,
        user: str,
        *,
        method: str,
        checker: str,
        evidence_ref: str,
        verified_at_ms: int | None = None,
        age_band: str = "unknown",
        level: str | None = None,
        expires_at_ms: int | None = None,
        **rest: Any,
    ) -> Event:
        """identity.verified: the platform's checker vouches for a person (DSP 9).

        By name besides: ``result``, ``identity_token``, ``guardian`` (token of a minor's), ``plain_basis``.
        """
        return self.build(
            "identity.verified", user,
            method=method, checker=checker, evidence_ref=evidence_ref, age_band=age_band,
            level=level, verified_at=self._moment(verified_at_ms),
            expires_at=None if expires_at_ms is None else rfc3339(expires_at_ms), **rest,
        )  # fmt: skip

    def identity_asked(
        self, user: str, *, kinds: Sequence[str], plain_basis: str | None = None, **rest: Any
    ) -> Event:
        """identity.asked: before a plain identity is demanded of a person (Order 173).

        plain_basis: law | agreed; without it a user of the national network identity is not asked.
        """
        return self.build(
            "identity.asked", user, kinds=list(kinds), plain_basis=plain_basis, **rest
        )

    def account_flagged(self, user: str, **rest: Any) -> Event:
        """account.flagged: signs of fraud; nothing goes before a new verification (Anti-fraud Law 22)."""
        return self.build("account.flagged", user, **rest)

    def terms_accepted(
        self,
        user: str,
        *,
        terms_version: str,
        duty_notice_shown: bool,
        accepted_at_ms: int | None = None,
        terms_sha256: str | None = None,
        **rest: Any,
    ) -> Event:
        """terms.accepted: which text, with the duty notice shown (DSP 8)."""
        return self.build(
            "terms.accepted", user,
            terms_version=terms_version, duty_notice_shown=duty_notice_shown,
            accepted_at=self._moment(accepted_at_ms), terms_sha256=terms_sha256, **rest,
        )  # fmt: skip

    def consent_prompted(
        self,
        user: str,
        *,
        template: str,
        prompted_at_ms: int | None = None,
        notice_version: str | None = None,
        **rest: Any,
    ) -> Event:
        """consent.prompted: the user was told to inform the edited person and ask (DSP 14)."""
        return self.build(
            "consent.prompted", user,
            template=template, prompted_at=self._moment(prompted_at_ms),
            notice_version=notice_version, **rest,
        )  # fmt: skip

    def _following(
        self,
        event_type: str,
        user: str,
        generation: Generation,
        pass_text: str | None,
        rest: dict[str, Any],
    ) -> Event:
        return self.build(
            event_type, user, generation=generation.row(), pass_text=pass_text, **rest
        )

    def _moment(self, at_ms: int | None) -> str:
        return rfc3339(self._clock_ms() if at_ms is None else at_ms)


def _set(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    return [dict(row) for row in rows] or None
