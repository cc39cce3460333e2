"""Where a passage came from: the identity everything else derives from."""

from typing import NamedTuple, Self


class Origin(NamedTuple):
    """One source record: epoch, logical topic name, partition, offset.

    The epoch changes when a source topic is recreated or re-partitioned, so an origin never comes back.
    """

    epoch: int
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}/{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form ``1/generation.events/3/17``; ValueError names what is wrong."""
        parts = text.split("/")
        if len(parts) != 4:
            raise ValueError(f"an origin is epoch/topic/partition/offset, not {text!r}")
        epoch, topic, partition, offset = parts
        if not (topic and epoch.isdigit() and partition.isdigit() and offset.isdigit()):
            raise ValueError(f"an origin is epoch/topic/partition/offset, not {text!r}")
        return cls(int(epoch), topic, int(partition), int(offset))
