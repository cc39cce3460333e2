"""What every row on a registry topic carries, and words several rows share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

COUNT_MAX = 2**53
"""No number on a registry topic lies beyond: every reader and every verdict can hold it."""


class Row(BaseModel):
    """What every row carries. ``version`` grows with each change of its key (Unix ms will do)."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    v: Literal[1] = 1
    version: int = Field(ge=0, le=COUNT_MAX)


DsClass = Literal["DS1", "DS2", "DS3", "DS4", "DS5", "DS6"]
"""Technology classes of DSP 23."""
Reference = Annotated[str, Field(min_length=1, max_length=512)]
"""Where something lies with the platform: never the thing itself, never a number of a person."""


class Part(BaseModel):
    """What stands inside a row."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )
