"""Where generated files are labelled: each read, marked, stored under its name and read back, a few at a time.

What is quick is done on threads (the decoders let others run); film, and sound that must be encoded, each in a
process of its own. A batch asks for what it needs and may be told to wait: work goes on meanwhile, and what is
done is kept until it is asked for again. Bytes of a file are held while it is worked on, and no longer.
"""

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, Final, NamedTuple

from synthgate.effects.explicit.speech import Clip
from synthgate.effects.isolated import Limits, apart
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_file import (
    LabelledFile,
    Marked,
    Unlabelled,
    carrier_of,
    held_against,
    mark,
)  # fmt: skip
from synthgate.effects.objects import Objects, object_name
from synthgate.effects.provenance import manifest
from synthgate.effects.provenance.signer import Signer
from synthgate.effects.sources import SourceError, Sources
from synthgate.effects.taken_in import take_in
from synthgate.events.origin import Origin
from synthgate.step import Waiting

WAITING_FOR: Final = "media"
_APART_BYTES: Final = 32 << 20
"""From this size on every file is worked on apart."""
_QUICK_SOUNDS: Final = (".wav",)
_KEPT_MAX: Final = 10_000
"""Outcomes nobody came back for (the partition went to another worker) are dropped beyond this."""

Key = tuple[Origin, int]
"""A passage's own origin, and the number of the object in its event."""


class Task(NamedTuple):
    """One file to be labelled. row: as the event names it. log: whose objects it will lie among.

    sentence: None for a copy that people perceive no label in. declared: None if it is output of a model; else
    it came from elsewhere, and whether its user says it is. derived: it was made of what bears ``label``.
    """

    log: int
    tenant: str
    row: Mapping[str, Any]
    medium: str
    sentence: str | None
    label: Label
    declared: bool | None = None
    derived: bool = False


class Outcome(NamedTuple):
    """What came of it. fault: why there is no object; unshown: why people do not perceive its label.

    label: the seven fields written; None if none were due. found, signs: of what came from elsewhere, the value
    of the label it came with, and whether it bears traces of generation. kept: how what was made of a labelled
    file carried its label (kept | missing | altered).
    """

    fault: str | None
    object: Mapping[str, Any] | None = None
    explicit: Mapping[str, Any] | None = None
    unshown: str | None = None
    label: Mapping[str, str] | None = None
    found: str | None = None
    signs: bool = False
    kept: str | None = None


class Workshop:
    """Threads for what is quick, one more for what is done apart. Made once a process."""

    def __init__(
        self,
        sources: Sources,
        objects: Objects,
        limits: Limits,
        signer: Signer | None = None,
        clip: Clip | None = None,
    ) -> None:
        self.sources = sources
        self._objects = objects
        self._limits = limits
        self._signer = signer
        self._clip = clip
        self._quick = ThreadPoolExecutor(os.cpu_count() or 1, "media")
        self._apart = ThreadPoolExecutor(1, "media-apart")
        self._work: dict[Key, Future[Outcome]] = {}
        self._lock = threading.Lock()

    def outcomes(self, tasks: Mapping[Key, Task], wait_s: float) -> Mapping[Key, Outcome]:
        """What came of all of these; none is started twice.

        Raises:
            Waiting: they are not all done yet, or a folder or the object store is away: ask again.
        """
        with self._lock:
            self._forget()
            work = {key: self._begun(key, task) for key, task in tasks.items()}
        _, undone = wait(work.values(), wait_s)
        if undone:
            raise Waiting(WAITING_FOR, f"{len(undone)} of {len(work)} files are being labelled")
        try:
            return {key: future.result() for key, future in work.items()}
        finally:
            # Those that failed are tried anew; the others, done again, would come to the same.
            with self._lock:
                for key in work:
                    self._work.pop(key, None)

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._quick, self._apart):
            pool.shutdown(wait=False, cancel_futures=True)

    def _begun(self, key: Key, task: Task) -> Future[Outcome]:
        future = self._work.get(key)
        if future is None:
            pool = self._apart if _is_slow(task) else self._quick
            future = self._work[key] = pool.submit(self._labelled, key, task)
        return future

    def _forget(self) -> None:
        done = [key for key, future in self._work.items() if future.done()]
        for key in done[: max(0, len(done) - _KEPT_MAX)]:
            del self._work[key]

    def _labelled(self, key: Key, task: Task) -> Outcome:
        try:
            data = self.sources.read(task.tenant, task.row)
            if task.declared is not None:
                return self._taken_in(key, task, data)
            file = (data, task.row["name"], task.medium)
            kept = held_against(*file, task.label) if task.derived else None
            asked = (*file, task.sentence, task.label)
            marked = (
                apart(*asked, self._limits, restores=task.derived, clip=self._clip)
                if _is_slow(task)
                else mark(*asked, restores=task.derived, clip=self._clip)
            )
            marked = self._signed(marked, task, data)
        except (SourceError, Unlabelled) as error:
            return Outcome(error.code)
        made = LabelledFile.make(task.log, key[0], marked, task.label, task.row["sha256"])
        if not self._stored(made):
            return Outcome("label_unreadable")
        return Outcome(
            None, made.row(), marked.explicit, marked.unshown, task.label.row(), kept=kept
        )

    def _signed(self, marked: Marked, task: Task, source: bytes) -> Marked:
        """Last of all, and here: a process that reads strangers' files holds no key."""
        if self._signer is None:
            return marked
        carrier = carrier_of(marked.data, task.row["name"], task.medium)
        try:
            made = manifest.put(marked.data, carrier, task.label, self._signer, source)
        except manifest.ManifestError:
            raise Unlabelled("manifest_unsigned") from None
        return replace(marked, data=made)

    def _taken_in(self, key: Key, task: Task, data: bytes) -> Outcome:
        """Metadata alone is read and written: quick for a file of any size and medium."""
        found = take_in(
            data, task.row["name"], task.medium, task.label, declared=bool(task.declared)
        )
        if found.label is None:
            return self._as_it_is(key, task, found.marked)
        made = LabelledFile.make(task.log, key[0], found.marked, found.label, task.row["sha256"])
        if not self._stored(made):
            return Outcome("label_unreadable")
        return Outcome(
            None, made.row(), label=found.label.row(), found=found.found, signs=found.signs
        )

    def _as_it_is(self, key: Key, task: Task, marked: Marked) -> Outcome:
        """A file nothing is written into, under a name of ours."""
        name = object_name(task.log, key[0], marked.data, marked.suffix)
        if self._objects.put_all({name: marked.data}):
            return Outcome("label_unreadable")
        row = {
            "name": name,
            "sha256": task.row["sha256"],
            "media_type": marked.media_type,
            "size_bytes": len(marked.data),
        }
        return Outcome(None, row)

    def _stored(self, made: LabelledFile) -> bool:
        """Put it into the store; whether it is there as it was made, and reads back."""
        return not self._objects.put_all(made.files()) and self._reads_back(made)

    def _reads_back(self, made: LabelledFile) -> bool:
        try:
            return LabelledFile.read(self._objects, made.name) == made
        except LabelError:
            return False


def _is_slow(task: Task) -> bool:
    if task.declared is not None or task.sentence is None:
        return False
    name = task.row["name"].lower()
    encoded = task.medium == "audio" and not name.endswith(_QUICK_SOUNDS)
    return task.medium == "video" or encoded or task.row["size_bytes"] >= _APART_BYTES
