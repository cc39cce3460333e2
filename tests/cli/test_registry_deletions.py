"""``synthgate registry deletions``: whose face or voice is still owed to be deleted."""

import asyncio
import os
import time
from typing import Any

import pytest

from cli_commands import PATIENCE_S, Running, run
from registries.rows import SUBJECT, a_consent, a_revocation, put
from synthgate.cli.registry_deletions import DELETED, Deletion, found
from synthgate.client import Facts, Writer
from synthgate.registries import Registries

PROOF = {"deleted_at": "2026-11-02T00:00:00Z", "deletion_sha256": "d" * 64}
KEY = f"acme/{SUBJECT}/g-1"


def told(*rows: tuple[str, Any]) -> list[Deletion]:
    registries = Registries(["facts.consents", "facts.revocations"])
    for topic, row in rows:
        put(registries, topic, row)
    return list(found(registries, "acme"))


@pytest.mark.parametrize("kinds", [["face"], ["voice", "style"]])
def test_a_template_is_owed_until_its_deletion_is_proved(kinds: list[str]) -> None:
    grant = ("facts.consents", a_consent(biometric=kinds))
    (owed,) = told(grant, ("facts.revocations", a_revocation()))
    assert (owed.key, owed.kinds, owed.proved) == (KEY, tuple(DELETED.intersection(kinds)), False)
    (done,) = told(grant, ("facts.revocations", a_revocation(**PROOF)))
    assert done.proved
    for half, value in PROOF.items():
        (owed,) = told(grant, ("facts.revocations", a_revocation(**{half: value})))
        assert not owed.proved


def test_a_manner_of_writing_leaves_no_template_and_another_tenants_is_not_told() -> None:
    assert told(
        ("facts.consents", a_consent(biometric=["style"])), ("facts.revocations", a_revocation())
    ) == []  # fmt: skip
    assert told(("facts.revocations", a_revocation(biometric=["style"]))) == []
    (owed,) = told(("facts.revocations", a_revocation(biometric=["style", "face"])))
    assert (owed.kinds, owed.proved) == (("face",), False)
    assert told(("facts.revocations", a_revocation(tenant="other"))) == []


def test_what_nobody_can_read_or_remember_is_owed() -> None:
    (owed,) = told(("facts.revocations", a_revocation()))
    assert (owed.kinds, owed.proved) == ((), False)
    registries = Registries(["facts.consents", "facts.revocations"])
    registries.apply("facts.revocations", 0, 0, KEY.encode(), b"?")
    registries.apply("facts.revocations", 0, 1, b"other/s/g", b"?")
    assert [(each.key, each.proved) for each in found(registries, "acme")] == [(KEY, False)]


def test_on_a_running_chain(chain: Running, capsys: pytest.CaptureFixture[str]) -> None:
    settings, tenant = chain.settings, f"del-{os.urandom(4).hex()}"
    argv = ("registry", "deletions", "--tenant", tenant, *chain.options)

    async def write(**more: Any) -> None:
        writer = Writer(
            brokers=settings.brokers, topic_prefix=settings.topic_prefix,
            partitions=settings.partitions, checks=("facts.revocations",),
        )  # fmt: skip
        async with writer:
            facts = Facts(writer, tenant)
            await facts.grant_consent(
                SUBJECT, "g", separate=True, grantor="subject", age_band="adult", biometric=["face"],
                purposes=["p"], notice_sha256="a" * 64,
            )  # fmt: skip
            await facts.revoke_consent(SUBJECT, "g", **more)

    asyncio.run(write())
    code, said, _ = run(capsys, *argv)
    assert (code, "1 taken back, 1 without proof" in said, f"{tenant}/{SUBJECT}/g  face" in said) == (
        1, True, True,
    )  # fmt: skip
    until = time.monotonic() + PATIENCE_S
    while f"deletion/{tenant}/{SUBJECT}/g" not in (
        listed := run(capsys, "case", "list", *chain.options)[1]
    ):
        assert time.monotonic() < until, listed
    asyncio.run(write(**PROOF))
    code, said, _ = run(capsys, *argv)
    assert (code, said) == (
        0, "deletions: 1 taken back, 0 without proof that the template is gone\n",
    )  # fmt: skip


def test_the_answer_to_the_work_is_a_proof_too(
    chain: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, tenant = chain.settings, f"del-{os.urandom(4).hex()}"

    async def revoke() -> None:
        async with Writer.from_settings(settings) as writer:
            await Facts(writer, tenant).revoke_consent(SUBJECT, "g", biometric=["voice"])

    asyncio.run(revoke())
    work = f"deletion/{tenant}/{SUBJECT}/g/incidents/template_deletion.due"
    until = time.monotonic() + PATIENCE_S
    while work not in (listed := run(capsys, "work", "list", *chain.options)[1]):
        assert time.monotonic() < until, listed
    proof = ("--proof", "sha256=" + "d" * 64, "--by", "ann")
    assert run(capsys, "work", "done", work, *proof, *chain.options)[0] == 0
    said = run(capsys, "registry", "deletions", "--tenant", tenant, *chain.options)
    assert said[:2] == (
        0, "deletions: 1 taken back, 0 without proof that the template is gone\n",
    )  # fmt: skip
