"""desk.events: what people do with a task before it is answered. The answer itself goes by operator.events."""

from typing import Annotated, Literal

from pydantic import Field

from synthgate.events.decision import Said
from synthgate.events.models import Name, Sha256


class DeskRow(Said):
    """One act at the desk on the task of one decision. Nothing here is content.

    case: ``hold/<root>``. answers: entry hash of the decision the task is about; a later revision begins anew.
    opinion: kept from whoever judges next; not yet an answer. seconds: of a lease.
    """

    v: Literal[1] = 1
    case: Annotated[str, Field(max_length=400)]
    answers: Sha256
    act: Literal["claimed", "released", "escalated", "opinion", "answered"]
    by: Name
    seconds: int | None = Field(None, ge=1, le=86_400)
    outcome: Literal["pass", "refuse"] | None = None
    risks: list[Annotated[str, Field(max_length=8)]] = Field(default_factory=list, max_length=31)
