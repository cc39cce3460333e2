"""Events about content that is there: who got it, what is asked or made of it, what comes from elsewhere."""

from pydantic import Field

from synthgate.events.models import Content, GenerationEvent, Name, ObjectRow


class UnlabelledContent(Content):
    """Which labelled objects a copy is asked of. originals: what each file was made of, as named before."""

    originals: list[ObjectRow] = Field(default_factory=list, max_length=64)


class UnlabelledRequested(GenerationEvent):
    """export.unlabelled_requested: a user asks for a copy without the explicit label (LBL 9)."""

    content: UnlabelledContent | None = None


class TransformedContent(Content):
    """What was made anew, and of which labelled objects (``parents``)."""

    parents: list[ObjectRow] = Field(default_factory=list, max_length=64)


class Transformed(GenerationEvent):
    """content.transformed: what was made of labelled content: cut, converted, translated (DSP 18)."""

    content: TransformedContent | None = None


class Delivered(GenerationEvent):
    """content.delivered: who got what, for reach and reconciliation."""

    recipient: Name | None = None
    objects: list[ObjectRow] = Field(default_factory=list, max_length=64)


class IngestedContent(Content):
    """What came from elsewhere. envelope: of a plain text, the JSON beside it with its label, as it came."""

    envelope: str | None = Field(None, max_length=8_192)


class Ingested(GenerationEvent):
    """content.ingested: content that came from elsewhere; the propagator's duties."""

    declared_ai: bool | None = None
    content: IngestedContent | None = None
