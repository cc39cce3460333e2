"""What a template is, as registered: ``facts.templates``, key tenant/template.

An event may only be stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from synthgate.events import canary
from synthgate.events.event import Event, time_ms
from synthgate.events.lazy import lazy
from synthgate.events.template_row import Processor, TemplateRow
from synthgate.registries.entries import RocksEntries
from synthgate.registries.table import Table

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("style",),
    "image": ("face",),
    "audio": ("voice",),
    "video": ("face", "voice"),
    "virtual_scene": ("face", "voice"),
}
"""What is edited of a person named on a template that says none is; of any other medium: everything."""
_EVERYTHING: Final = ("style", "face", "voice")

SEEN_MAX: Final = 100_000
"""Names remembered: events may name templates nobody registered."""
CANARY: Final = TemplateRow(
    version=1, tenant=canary.TENANT, template=canary.TEMPLATE, media=["text"], ds_class="DS1",
    a17_item=1, reviewed_media=["text"], status="enabled",
)  # fmt: skip
"""Registered by nobody and for nobody else: what bears our MAC is never released."""


class Templates(Table[TemplateRow]):
    """Registered templates, enabled or not. What cannot be read is as good as unregistered."""

    topic = "facts.templates"

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        super().__init__(store)
        self._seen: dict[tuple[str, str | None], TemplateSeen | None] = {}

    def apply(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; what was made of the rows before it is made again."""
        self._seen.clear()
        super().apply(partition, offset, key, value)

    def get(self, tenant: str, template: str) -> TemplateRow | None:
        """The row of a template, or None. Look at its ``status`` before use."""
        if tenant == canary.TENANT:
            return CANARY if template == canary.TEMPLATE else None
        return self.permitted(f"{tenant}/{template}")

    def seen(self, tenant: str, template: str | None) -> "TemplateSeen | None":
        """The same as a verdict records it, made once. Of no template there is none."""
        name = (tenant, template)
        try:
            return self._seen[name]
        except KeyError:
            row = None if template is None else self.get(tenant, template)
        seen = None if row is None else TemplateSeen.of(row)
        if len(self._seen) < SEEN_MAX:
            self._seen[name] = seen
        return seen

    def strictness(self, row: TemplateRow) -> tuple[Any, ...]:
        """Disabled, more edits, more duties, fewer media, less to show for it."""
        return (
            row.status == "disabled",
            len(row.edits_person),
            row.real_person,
            row.special_object,
            row.news,
            row.a17_item is not None,
            not row.interface_label,
            -len(row.reviewed_media),
            -len(row.media),
            row.assessment is None,
            row.impact_assessment is None,
            len(row.processors),
            row.models is not None,
        )


class Impact(NamedTuple):
    """An impact assessment (PIPL 55): id, when, and until when its report is kept, Unix ms."""

    id: str
    assessed_at: int
    kept_until: int

    def counts(self, as_of: int, keep_ms: int) -> bool:
        """Whether it was done by then and is kept for so long."""
        return self.assessed_at <= as_of and self.kept_until - self.assessed_at >= keep_ms


class Engaged(NamedTuple):
    """A processor (NDR 12) and the span of its contract, Unix ms; signed_at None: no contract."""

    name: str
    signed_at: int | None
    ends_at: int | None

    def contracted(self, as_of: int) -> bool:
        """Whether a contract was in force then."""
        begun = self.signed_at is not None and self.signed_at <= as_of
        return begun and (self.ends_at is None or as_of < self.ends_at)


@dataclass(frozen=True)
class TemplateSeen:
    """A template as a consent verdict records it: what it edits of a person, and what was done before.

    assessed_until: end of the security assessment, Unix ms. unfounded: sources of training data with personal
    information and no legal basis. notice: hash of today's notice, None: any will do.
    """

    version: int
    enabled: bool
    media: tuple[str, ...]
    edits_person: tuple[str, ...]
    real_person: bool
    ds_class: str | None = None
    special_object: bool = False
    assessment: str | None = None
    assessed_until: int | None = None
    impact: Impact | None = None
    unfounded: tuple[str, ...] = ()
    processors: tuple[Engaged, ...] = ()
    models: tuple[str, ...] | None = None
    notice: str | None = None

    @classmethod
    def of(cls, row: TemplateRow) -> Self:
        """A row of the registry."""
        held, impact = row.assessment, row.impact_assessment
        return cls(
            row.version,
            row.status == "enabled",
            tuple(row.media),
            tuple(row.edits_person),
            row.real_person,
            ds_class=row.ds_class,
            special_object=row.special_object,
            assessment=None if held is None else held.id,
            assessed_until=None if held is None else time_ms(held.valid_until),
            impact=None
            if impact is None
            else Impact(impact.id, time_ms(impact.assessed_at), time_ms(impact.kept_until)),
            unfounded=tuple(s.source for s in row.data_sources if s.personal and s.basis is None),
            processors=tuple(_engaged(processor) for processor in row.processors),
            models=None if row.models is None else tuple(row.models),
            notice=row.notice_sha256,
        )

    def row(self) -> dict[str, Any]:
        """As recorded; what is nothing out of the ordinary is left out. To be read alone."""
        return self._recorded

    @lazy
    def _recorded(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "version": self.version,
            "enabled": self.enabled,
            "media": list(self.media),
            "edits_person": list(self.edits_person),
            "real_person": self.real_person,
        }
        more = {
            "ds_class": self.ds_class,
            "special_object": self.special_object,
            "assessment": self.assessment,
            "assessed_until": self.assessed_until,
            "impact": None if self.impact is None else list(self.impact),
            "unfounded": list(self.unfounded),
            "processors": [list(processor) for processor in self.processors],
            "notice": self.notice,
        }
        row |= {name: value for name, value in more.items() if value not in (None, False, [])}
        if self.models is not None:
            row["models"] = list(self.models)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from a record."""
        lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
        if "processors" in row:
            lists["processors"] = tuple(Engaged(*each) for each in row["processors"])
        if "impact" in row:
            lists["impact"] = Impact(*row["impact"])
        return cls(**{**row, **lists})


def edits_of(template: TemplateSeen | None, event: Event) -> tuple[str, ...]:
    """What of a real person an event edits: as registered, or by medium where it names persons anyway."""
    registered = () if template is None else template.edits_person
    if template is not None and template.real_person and registered:
        return registered
    if event.subjects:
        return registered or _KINDS.get(event.medium, _EVERYTHING)
    return ()


def _engaged(row: Processor) -> Engaged:
    signed = row.signed_at if row.contract is not None else None
    return Engaged(
        row.name,
        None if signed is None else time_ms(signed),
        None if row.ends_at is None else time_ms(row.ends_at),
    )
