"""Master keys: they wrap the keys of key files and nothing else, so that one can be changed or live in a KMS.

``Masters`` is what the ledger asks. ``LocalMasters`` holds them in memory, from the key folder;
``CommandMasters`` asks a program: so any KMS or HSM is reached that can wrap and unwrap 32 bytes under a
named key.
"""

import base64
import binascii
import errno
import hashlib
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Final, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12
_WRAPPED_MAX: Final = 16_384
_ANSWER_MAX: Final = 32_768
COMMAND_S: Final = 20.0
"""A KMS that has not answered by then is away."""


class MasterAbsent(Exception):
    """No master key of this id is held here."""


class MasterRefused(Exception):
    """The master key does not open this: it was changed, or wrapped for something else."""


class MasterAway(Exception):
    """The KMS does not answer, or not as it should: try again later."""


class Masters(Protocol):
    """Master keys by id. ``context`` is bound to what is wrapped and given again to open it."""

    @property
    def current(self) -> str:
        """The id of the key that wraps from now on."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Close ``key`` under the current master. Raises MasterAway."""
        ...

    def unwrap(self, kid: str, wrapped: bytes, context: bytes) -> bytes:
        """Open what the master ``kid`` closed. Raises MasterAbsent, MasterRefused, MasterAway."""
        ...

    def plain(self) -> Mapping[str, bytes]:
        """The keys that are at hand as bytes, by id: key files older than wrapping are under one of them."""
        ...


def master_id(key: bytes) -> str:
    """A master key's id: enough to tell two apart, nothing to guess one from."""
    return hashlib.sha256(b"synthgate master " + key).hexdigest()[:16]


class LocalMasters:
    """Master keys in memory, the one that wraps last."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {master_id(key): key for key in keys}
        self._current = master_id(keys[-1])

    @property
    def current(self) -> str:
        """The id of the last key."""
        return self._current

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """AES-256-GCM, the nonce in front."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._keys[self._current]).encrypt(nonce, key, context)

    def unwrap(self, kid: str, wrapped: bytes, context: bytes) -> bytes:
        """Raises MasterAbsent, MasterRefused."""
        master = self._keys.get(kid)
        if master is None:
            raise MasterAbsent(kid)
        try:
            return AESGCM(master).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise MasterRefused(kid) from error

    def plain(self) -> Mapping[str, bytes]:
        """All of them."""
        return self._keys


class CommandMasters:
    """Master keys in a KMS, by a program: ``PROGRAM wrap|unwrap KEY-NAME``, base64 lines in, one out.

    In: what is to be wrapped (or was), then the context. Out: what came of it. Exit code 0; 3 if it is
    refused; any other: the KMS is away. Ids begin with ``kms:``. ``local``: the keys of the folder, by
    which older files are still opened.
    """

    def __init__(self, program: Sequence[str], name: str, local: Masters | None = None) -> None:
        self._program = list(program)
        self._name = name
        self._local = local

    @property
    def current(self) -> str:
        """The KMS's key."""
        return f"kms:{self._name}"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Ask the program. Raises MasterAway."""
        return self._ask("wrap", self._name, key, context)

    def unwrap(self, kid: str, wrapped: bytes, context: bytes) -> bytes:
        """Ask the program, or the folder's keys. Raises as the protocol says."""
        scheme, _, name = kid.partition(":")
        if scheme == "kms" and name:
            return self._ask("unwrap", name, wrapped, context)
        if self._local is None:
            raise MasterAbsent(kid)
        return self._local.unwrap(kid, wrapped, context)

    def plain(self) -> Mapping[str, bytes]:
        """Those of the folder."""
        return {} if self._local is None else self._local.plain()

    def _ask(self, act: str, name: str, data: bytes, context: bytes) -> bytes:
        lines = b"\n".join(base64.b64encode(part) for part in (data, context)) + b"\n"
        try:
            code, answer = _run([*self._program, act, name], lines)
            if code == 3:
                raise MasterRefused(f"kms:{name}")
            said = base64.b64decode(answer.strip(), validate=True)
        except (OSError, subprocess.TimeoutExpired, binascii.Error) as error:
            raise MasterAway(f"{self._program[0]} {act}: {type(error).__name__}") from error
        if code != 0 or not 0 < len(said) <= _WRAPPED_MAX:
            raise MasterAway(f"{self._program[0]} {act}: exit code {code}")
        return said


def _run(program: Sequence[str], lines: bytes) -> tuple[int, bytes]:
    """Exit code and output of a program, of which no more is taken than an answer may be long.

    Raises OSError, TimeoutExpired; it and what it began are ended then.
    """
    ends = time.monotonic() + COMMAND_S
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        into, out = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            with suppress(BrokenPipeError):  # one that does not read says by its code why
                os.write(into.fileno(), lines)  # far less than a pipe holds
                into.close()
            answer = _read(out.fileno(), ends)
            return process.wait(max(ends - time.monotonic(), 0)), answer
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _read(fd: int, ends: float) -> bytes:
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while len(answer) <= _ANSWER_MAX:
            if not selector.select(max(ends - time.monotonic(), 0)):
                raise subprocess.TimeoutExpired("KMS", COMMAND_S)
            part = os.read(fd, _ANSWER_MAX)
            if not part:
                return bytes(answer)
            answer += part
    raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
