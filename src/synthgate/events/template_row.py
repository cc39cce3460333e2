"""The row of a template, and what was done before it may be used (DSP 14, 15; PIPL 55; NDR 12)."""

from typing import Literal

from pydantic import Field

from synthgate.events.models import Medium, Moment, Name, Sha256
from synthgate.events.rows import DsClass, Part, Row


class Assessment(Part):
    """A security assessment (DSP 15 para 2): by oneself or by a professional body, valid until then."""

    id: Name
    by: Literal["self", "professional"]
    valid_until: Moment


class ImpactAssessment(Part):
    """A personal information protection impact assessment (PIPL 55), and how long its report is kept (56)."""

    id: Name
    assessed_at: Moment
    kept_until: Moment


class DataSource(Part):
    """A source of training data (DSP 14 para 1). basis: what allows its personal information (PIPL 13)."""

    source: Name
    personal: bool
    basis: (
        Literal["consent", "contract", "duty", "emergency", "news", "disclosed", "law"] | None
    ) = None


class Processor(Part):
    """Who else is given personal information (NDR 12): under which contract, signed when, until when."""

    name: Name
    contract: Name | None = None
    signed_at: Moment | None = None
    ends_at: Moment | None = None


class TemplateRow(Row):
    """facts.templates, key tenant/template: what a template is; the event may only be stricter.

    edits_person: ``style`` is text in a real person's manner (DSP 14 with 17(1)).
    a17_item: item of Art. 17 para 1 (1-5) or None. interface_label: the operator shows a lasting prompt
    in the interface (GB 45438 5.6), so that streamed parts need none inside; it counts only with an interface
    contract in force for ``surface`` (None: named like the template). models: those it may run on;
    None: any. notice_sha256: the notice (PIPL 17) that says today's purpose, method, kinds and recipients;
    a consent given on another one does not count.
    """

    tenant: Name
    template: Name
    media: list[Medium]
    ds_class: DsClass
    a17_item: Literal[1, 2, 3, 4, 5] | None
    edits_person: list[Literal["style", "face", "voice"]] = Field(default_factory=list)
    real_person: bool = True
    special_object: bool = False
    interface_label: bool = False
    surface: Name | None = None
    reviewed_media: list[Medium] = Field(default_factory=list)
    """Media the text reviewer (or a named one) is configured for on this template."""
    news: bool = False
    """What it makes is news: an event that does not say whose is not published."""
    status: Literal["enabled", "disabled"]
    filing: Name | None = None
    """Number of the algorithm filing (DSP 19)."""
    models: list[Name] | None = None
    assessment: Assessment | None = None
    impact_assessment: ImpactAssessment | None = None
    data_sources: list[DataSource] = Field(default_factory=list, max_length=256)
    processors: list[Processor] = Field(default_factory=list, max_length=64)
    notice_sha256: Sha256 | None = None
