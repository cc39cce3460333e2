"""The key ring of an installation: whose master keys open it, as the settings say."""

import shlex

from synthgate.crypto.keys import KeyFolder, KeyFolderError
from synthgate.crypto.masters import CommandMasters, Masters
from synthgate.ledger.userkeys import KeyRing
from synthgate.settings import Settings


def masters_of(settings: Settings, keys: KeyFolder | None = None) -> Masters:
    """The folder's master keys, or a KMS by its program, the folder's for what is older. Raises
    KeyFolderError.
    """
    keys = keys or KeyFolder(settings.keys_dir)
    if not settings.kms_command:
        return keys.masters
    if not settings.kms_key:
        raise KeyFolderError("kms_command is set, and kms_key is not: it names the KMS's key")
    local = keys.masters if keys.has_master else None
    try:
        program = shlex.split(settings.kms_command)
    except ValueError as error:
        raise KeyFolderError(f"kms_command cannot be read: {error}") from None
    if not program:
        raise KeyFolderError("kms_command names no program")
    return CommandMasters(program, settings.kms_key, local)


def open_ring(settings: Settings, keys: KeyFolder | None = None) -> KeyRing:
    """Raises KeyFolderError, WrongMasterKey, StoreFailed."""
    return KeyRing.open(settings.userkeys_dir, masters_of(settings, keys))
