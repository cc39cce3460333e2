"""Facts for the registries: what permits, what forbids, what a template is.

Each method validates one row, writes it under its key and returns once the broker has acknowledged it. Every
event sent from then on is judged with it: the chain reads up to the broker's ends before it decides.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from synthgate.client.build import now_ms, rfc3339
from synthgate.client.check import first_fault
from synthgate.client.errors import FactError
from synthgate.client.writer import Placed, Writer

if TYPE_CHECKING:
    from synthgate.events.facts import Row

WRITABLE: Final = (
    "facts.consents", "facts.revocations", "facts.accounts", "facts.templates", "facts.features",
    "facts.news_sources", "facts.switches", "facts.recalls", "control",
)  # fmt: skip
"""Topics whose writer is the platform or the operator, never a duty."""


class Facts:
    """Writes registry rows of one tenant.

    Versions are Unix ms and grow with every call of this object, so the last call about a key counts.
    Moments are Unix ms; where one is left out it is now.
    """

    def __init__(self, writer: Writer, tenant: str) -> None:
        self._writer = writer
        self._tenant = tenant
        self._version = 0

    async def write(self, topic: str, **members: Any) -> Placed:
        """Any row, by the members of its model in ``synthgate.events.facts``; ``version`` is made if left out.

        Raises:
            FactError: no such topic, or the row is not valid; nothing was written.
            GateError: not acknowledged.
        """
        from synthgate.events.facts import key_of

        row = self._row(topic, {"version": self._next_version(), **members})
        value = row.model_dump_json(by_alias=True).encode()
        return await self._writer.write_and_wait(topic, key_of(topic, row).encode(), value)

    async def grant_consent(
        self,
        subject: str,
        grant: str,
        *,
        separate: bool,
        grantor: str,
        age_band: str,
        biometric: Sequence[str],
        purposes: Sequence[str],
        notice_sha256: str,
        guardian: str | None = None,
        templates: Sequence[str] | None = None,
        publish: bool = False,
        granted_to: str | None = None,
        granted_at_ms: int | None = None,
        expires_at_ms: int | None = None,
        channel: str | None = None,
        proof_ref: str | None = None,
        necessity_shown: bool = False,
        **more: Any,
    ) -> Placed:
        """A person's consent to being edited (DSP 14; PIPL 14, 29, 31).

        subject, guardian: tokens. separate: the caller vouches that it was asked for apart from everything
        else; only such a consent counts. grantor: subject | guardian | near_relative. channel, proof_ref,
        necessity_shown: how the person answered, where the proof lies, that necessity and effect were
        explained; without them it does not count. more: other members of ``ConsentRow`` by name.
        """
        return await self.write(
            "facts.consents", tenant=self._tenant, subject=subject, grant=grant, separate=separate,
            grantor=grantor, guardian=guardian, age_band=age_band, biometric=list(biometric),
            purposes=list(purposes), templates=None if templates is None else list(templates),
            publish=publish, granted_to=granted_to, notice_sha256=notice_sha256,
            granted_at=_moment(granted_at_ms),
            expires_at=None if expires_at_ms is None else rfc3339(expires_at_ms),
            channel=channel, proof_ref=proof_ref, necessity_shown=necessity_shown, **more,
        )  # fmt: skip

    async def revoke_consent(
        self, subject: str, grant: str, *, revoked_at_ms: int | None = None, **more: Any
    ) -> Placed:
        """The person took the consent back (PIPL 15); counts from the acknowledgement.

        more: other members of ``RevocationRow`` by name. Unless ``biometric`` names neither face nor voice, a
        ``template_deletion.due`` comes on ``work``; written again with ``deleted_at`` and ``deletion_sha256``
        it proves that the template is gone.
        """
        return await self.write(
            "facts.revocations", tenant=self._tenant, subject=subject, grant=grant,
            revoked_at=_moment(revoked_at_ms), **more,
        )  # fmt: skip

    async def restrict_account(
        self,
        user: str,
        standing: str,
        *,
        reason: str,
        since_ms: int | None = None,
        until_ms: int | None = None,
        restricted: Sequence[str] = (),
    ) -> Placed:
        """What forbids a user. standing: ok | warned | limited | suspended | closed; ok lifts it."""
        return await self.write(
            "facts.accounts", tenant=self._tenant, user=user, standing=standing, reason=reason,
            since=_moment(since_ms), until=None if until_ms is None else rfc3339(until_ms),
            restricted=list(restricted),
        )  # fmt: skip

    async def register_template(
        self,
        template: str,
        *,
        media: Sequence[str],
        ds_class: str,
        a17_item: int | None = None,
        edits_person: Sequence[str] = (),
        real_person: bool = True,
        special_object: bool = False,
        interface_label: bool = False,
        reviewed_media: Sequence[str] = (),
        status: str = "enabled",
        **more: Any,
    ) -> Placed:
        """What a template is; an event may only be stricter. status: enabled | disabled.

        more: other members of ``TemplateRow`` by name; a template that edits faces or voices needs
        ``assessment`` and ``impact_assessment``.
        """
        return await self.write(
            "facts.templates", tenant=self._tenant, template=template, media=list(media),
            ds_class=ds_class, a17_item=a17_item, edits_person=list(edits_person),
            real_person=real_person, special_object=special_object,
            interface_label=interface_label, reviewed_media=list(reviewed_media), status=status, **more,
        )  # fmt: skip

    async def switch_function(
        self,
        function: str,
        *,
        off: bool,
        order: str,
        since_ms: int | None = None,
        all_tenants: bool = False,
    ) -> Placed:
        """A function off (or on again) by order (DSP 21), for this tenant or for all."""
        return await self.write(
            "facts.switches", tenant="*" if all_tenants else self._tenant, function=function,
            off=off, order=order, since=_moment(since_ms),
        )  # fmt: skip

    async def list_news_source(
        self, source: str, *, list_version: str, listed: bool = True, since_ms: int | None = None
    ) -> Placed:
        """A unit that news may be reposted from (DSP 6), or (``listed`` false) no longer. For all tenants."""
        return await self.write(
            "facts.news_sources", source=source, list_version=list_version, listed=listed,
            listed_from=_moment(since_ms),
        )  # fmt: skip

    async def recall(
        self, generation: str, *, reason: str, recalled: bool = True, since_ms: int | None = None
    ) -> Placed:
        """A generation must not be served any more."""
        return await self.write(
            "facts.recalls", tenant=self._tenant, generation=generation, recalled=recalled,
            reason=reason, since=_moment(since_ms),
        )  # fmt: skip

    async def add_feature(
        self,
        entry: str,
        *,
        kind: str,
        value: str,
        criteria: str,
        proposed_by: str,
        approved_by: str,
        from_version: int,
        to_version: int | None = None,
        risk: str | None = None,
        severity: int = 0,
    ) -> Placed:
        """One entry of the feature library (DSP 10), in force once its version is activated.

        A version that was activated before does not change: name the next one. kind: keyword | allow. risk:
        ``A.1a`` and so on. proposed_by and approved_by are two people.
        """
        return await self.write(
            "facts.features", entry=entry, kind=kind, value=value, risk=risk, severity=severity,
            from_version=from_version, to_version=to_version, criteria=criteria,
            proposed_by=proposed_by, approved_by=approved_by,
        )  # fmt: skip

    async def activate_library(self, version: int, *, by: str, and_by: str) -> Placed:
        """The feature library of this version is in force from now on, for all tenants; two people say so.

        It stays what it is now: what is added to it later counts from the next version on.

        Raises:
            FactError: an import of lists for it was begun and not finished, or it was in force before and has
                changed since; nothing was written.
            GateError: whether one was cannot be known now.
        """
        from synthgate.client.standing import registries_now
        from synthgate.registries import seals

        now = await registries_now(self._writer, "control", "facts.features")
        half = now.control.unfinished_import(version)
        if half is not None:
            raise FactError(
                "import_unfinished", "/version",
                f"the import of {half} was begun and not finished: version {version} may lack entries",
                "run that import again, to its end",
            )  # fmt: skip
        rows = seals.entries(now.control, now.features, version)
        if rows is None:
            raise FactError(
                "library_changed", "/version",
                f"version {version} is no longer what was put in force: an entry was overwritten or erased",
                "activate a new number",
            )  # fmt: skip
        seal = (now.control.seal(version) or seals.seal(now.features, rows)).body()
        await self.control(f"{seals.PREFIX}{version}", seal, by=by)
        body = {"version": version, "agreed_by": and_by, "seal": seal}
        return await self.control("library", body, by=by)

    async def publish_terms(
        self,
        version: str,
        *,
        url: str,
        sha256: str,
        by: str,
        published_at_ms: int,
        notified_at_ms: int,
        effective_at_ms: int,
        **clauses: str,
    ) -> Placed:
        """Service terms of this tenant (DSP 8), published and told before they take effect; no others count.

        clauses: ``labels_sha256``, on how we label; ``duty_sha256``, on copies without a label (LBL 8, 9).
        """
        return await self.control(
            f"terms/{self._tenant}/{version}",
            {
                "url": url, "sha256": sha256, "published_at": rfc3339(published_at_ms),
                "notified_at": rfc3339(notified_at_ms), "effective_at": rfc3339(effective_at_ms), **clauses,
            },
            by=by,
        )  # fmt: skip

    async def contract_interface(
        self,
        surface: str,
        version: str,
        *,
        wording: str,
        screenshot_sha256: str,
        tested_at_ms: int,
        valid_until_ms: int,
        by: str,
        **more: Any,
    ) -> Placed:
        """What a surface of the app shows, as tested (GB 45438 5.6). more: ``shows``, as in ``ControlRow``."""
        return await self.control(
            f"interface/{self._tenant}/{surface}/{version}",
            {
                "wording": wording, "screenshot_sha256": screenshot_sha256,
                "tested_at": rfc3339(tested_at_ms), "valid_until": rfc3339(valid_until_ms), **more,
            },
            by=by,
        )  # fmt: skip

    async def list_reviewers(
        self,
        reviewers: Sequence[str],
        *,
        by: str,
        media: Mapping[str, Sequence[str]] | None = None,
    ) -> Placed:
        """Whose review results count for this tenant: exactly these.

        media: for a reviewer who may speak of these media alone; any other speaks of all.
        """
        body: dict[str, object] = {"reviewers": list(reviewers)}
        if media:
            body["media"] = {name: list(of) for name, of in media.items()}
        return await self.control(f"reviewers/{self._tenant}", body, by=by)

    async def control(self, name: str, body: dict[str, object], *, by: str) -> Placed:
        """What the operator activates, by name (``library``, ``law``, ``reviewers/<tenant>``)."""
        return await self.write("control", name=name, body=body, by=by, at=_moment(None))

    def _row(self, topic: str, members: dict[str, Any]) -> "Row":
        # The models need pydantic: an app that writes no facts never pays for it.
        from pydantic import ValidationError

        from synthgate.events.facts import ROWS

        if topic not in WRITABLE:
            raise FactError(
                "unknown_topic",
                f"/{topic}",
                "no registry an app may write",
                "one of " + ", ".join(WRITABLE),
            )
        try:
            return ROWS[topic].model_validate(members)
        except ValidationError as error:
            where, fault = first_fault(error)
            raise FactError("bad_shape", f"/{topic}{where}", fault, "mend this member") from None

    def _next_version(self) -> int:
        self._version = max(now_ms(), self._version + 1)
        return self._version


def _moment(at_ms: int | None) -> str:
    return rfc3339(now_ms() if at_ms is None else at_ms)
