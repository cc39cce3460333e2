"""Events that follow what was made: who got it, and what is asked of it or made of it."""

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
