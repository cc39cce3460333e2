"""``synthgate keys``: make an installation's keys, and say which there are (never what they hold)."""

import argparse
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthgate.cli.errors import TRY_LATER, CommandError
from synthgate.cli.options import command, group, load


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "keys", "make the keys of an installation, or say which there are")
    command(under, "init", init, "make one fresh key of each kind; never touches one that exists")
    command(under, "show", run, "which keys there are, by fingerprint; no secret is printed")
    command(under, "add-identity", add_identity, "make the next identity key; two may live at once")
    command(
        under, "add-pass", add_pass, "make the next pass key; workers sign with it once restarted"
    )
    command(
        under, "add-master", add_master,
        "make the next master key; two may live at once; workers use it once restarted",
    )  # fmt: skip
    leaf = command(
        under, "rotate", rotate, "bring every key file of users under the master key that counts now",
        epilog="Beside running workers; stop it anywhere and run it again. Exit codes: 0 all are under it,\n"
        "1 a file is damaged, 75 the KMS or the disk does not answer, 78 a master key is not here.",
    )  # fmt: skip
    leaf.add_argument("--dry-run", action="store_true", help="only say what is under which key")
    command(
        under, "add-checkpoint", add_checkpoint,
        "make the key that signs the logs' checkpoints, where there is none",
    )  # fmt: skip
    leaf = command(
        under, "c2pa-test", c2pa_test, "make certificates to try C2PA manifests with; nobody trusts them",
        epilog="Writes chain.pem, key.pem and roots.pem into DIR, which must not hold any of them. For\n"
        "publication take certificates of an authority of the C2PA trust list instead.",
    )  # fmt: skip
    leaf.add_argument("dir", type=Path, metavar="DIR", help="a folder, made if it is not there")
    command(
        under, "add-canary", add_canary, "make the canary key, if the installation has none yet"
    )


def init(args: argparse.Namespace) -> int:
    """Make the folder. KeyFolderError if a key is there already."""
    from synthgate.crypto.keys import KeyFolder

    folder = KeyFolder.init(load(args).keys_dir)
    print(f"keys: made in {folder.path}")
    print(
        "Copy the folder to a safe place now: without master.key no content in the ledger can be read,"
    )
    print(
        "and operator.key (it opens the quarantine) belongs with the operator, not with the workers."
    )
    return 0


def add_pass(args: argparse.Namespace) -> int:
    """Add one pass key; old passes go on to verify."""
    from synthgate.crypto.keys import KeyFolder

    kid = KeyFolder(load(args).keys_dir).add_pass_key()
    print(f"keys: pass-{kid}.key made; give it to every verifier before the workers sign with it")
    return 0


def add_master(args: argparse.Namespace) -> int:
    """Add one master key; what is under the older goes on to be opened."""
    from synthgate.crypto.keys import KeyFolder

    name = KeyFolder(load(args).keys_dir).add_master_key()
    print(f"keys: {name} made; copy it to a safe place, give it to every worker, restart them,")
    print("then `synthgate keys rotate` brings what is there under it")
    return 0


def c2pa_test(args: argparse.Namespace) -> int:
    """Write a chain of our own making, and say how it is used."""
    from synthgate.effects.provenance import library, sample_chain

    made = sample_chain.make(datetime.now(UTC))
    if there := [name for name in made if (args.dir / name).exists()]:
        raise CommandError(f"{args.dir}: {', '.join(there)} there already; nothing was written")
    args.dir.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        descriptor = os.open(args.dir / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    print(f"keys: {', '.join(made)} made in {args.dir}: a sample, not for publication. Try it with")
    print(
        f"synthgate label FILE --sample --set c2pa_chain={args.dir}/chain.pem"
        f" --set c2pa_key={args.dir}/key.pem --set c2pa_roots={args.dir}/roots.pem"
    )
    if not library.installed():
        print(f"keys: to sign with it: {library.ABSENT}")
    return 0


def rotate(args: argparse.Namespace) -> int:
    """Rotate, and say which key may go."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.masters import master_id
    from synthgate.ledger.errors import StoreFailed, StoreFull
    from synthgate.ledger.rings import masters_of
    from synthgate.ledger.rotation import rotate as rotated

    settings = load(args)
    keys = KeyFolder(settings.keys_dir)
    masters = masters_of(settings, keys)
    try:
        done = rotated(settings.userkeys_dir, masters, dry=args.dry_run)
    except (StoreFailed, StoreFull) as error:
        raise CommandError(str(error), TRY_LATER) from error
    names = (
        {master_id(key): name for name, key in keys.master_keys.items()} if keys.has_master else {}
    )
    print(f"{done.wrapped} files wrapped anew, {done.made_new} of the old kind made new")
    for kid, count in sorted(done.under.items()):
        print(f"  {count} files under {names.get(kid, kid)}")
    for sentence in done.lost:
        print(f"  LOST {sentence}")
    for kid, name in names.items():
        if kid != masters.current and not done.under[kid] and not done.lost:
            print(
                f"{name} opens nothing any more: keep it as long as your oldest backup, away from here"
            )
    return 1 if done.lost else 0


def add_checkpoint(args: argparse.Namespace) -> int:
    """Make the checkpoint key of an installation that is older than checkpoints."""
    from synthgate.crypto.keys import KeyFolder

    folder = KeyFolder(load(args).keys_dir)
    folder.add_checkpoint_key()
    print(f"keys: checkpoint.key made in {folder.path}; give checkpoint.pub to your auditors")
    return 0


def add_identity(args: argparse.Namespace) -> int:
    """Add one identity key; tokens of the older go on to be recognised."""
    from synthgate.crypto.keys import KeyFolder

    kid = KeyFolder(load(args).keys_dir).add_identity_key()
    print(f"keys: identity-{kid}.key made; from the next start on new tokens begin with {kid}.")
    return 0


def add_canary(args: argparse.Namespace) -> int:
    """Make it. KeyFolderError if it is there already."""
    from synthgate.crypto.keys import KeyFolder

    KeyFolder(load(args).keys_dir).add_canary_key()
    print("keys: canary.key made; workers of identity and the canary need it, restarted")
    return 0


def run(args: argparse.Namespace) -> int:
    """Print a fingerprint of each key; 78 if one of them is missing or malformed."""
    from synthgate.crypto.keys import KeyFolder, KeyFolderError
    from synthgate.ledger.rings import masters_of

    settings = load(args)
    folder = KeyFolder(settings.keys_dir)
    if settings.kms_command:
        masters_of(settings, folder)  # says what is wrong with these settings
        print(f"{'master':<14} kms:{settings.kms_key}, by {settings.kms_command.split()[0]}")
    for name, key in (
        folder.master_keys.items() if folder.has_master or not settings.kms_command else ()
    ):
        print(f"{name:<14} {fingerprint(key)}")
    print(f"{'token.key':<14} {fingerprint(folder.token_key)}")
    print(f"{'checkpoint.key':<14} {fingerprint(folder.checkpoint_private)}")
    print(f"{'checkpoint.pub':<14} {fingerprint(folder.checkpoint_public)}")
    canary = folder.canary_key
    told = fingerprint(canary) if canary else "not here: no canary is believed (keys add-canary)"
    print(f"{'canary.key':<14} {told}")
    print(f"{'operator.pub':<14} {fingerprint(folder.operator_public)}")
    try:
        print(f"{'operator.key':<14} {fingerprint(folder.operator_private)}")
    except KeyFolderError:
        print(f"{'operator.key':<14} not here, as it should be where workers run")
    try:
        identity = folder.identity_keys
    except KeyFolderError:
        print(
            f"{'identity.key':<14} none here; `synthgate keys add-identity` makes one for `synthgate token`"
        )
    else:
        for kid, key in sorted(identity.keys.items(), key=lambda row: int(row[0])):
            makes = "  makes tokens" if kid == identity.making else ""
            print(f"{f'identity-{kid}.key':<14} {fingerprint(key)}{makes}")
    keys = folder.pass_keys
    for kid, key in sorted(keys.keys.items(), key=lambda row: int(row[0])):
        signs = "  signs" if kid == keys.signing else ""
        print(f"{f'pass-{kid}.key':<14} {fingerprint(key)}{signs}")
    return 0


def fingerprint(key: bytes) -> str:
    """Enough to compare two machines by, nothing to guess a key from."""
    return hashlib.sha256(b"synthgate key fingerprint" + key).hexdigest()[:16]
