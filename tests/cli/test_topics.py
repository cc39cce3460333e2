"""``synthgate topics`` against a real Kafka: what is made is what the table says, differences are named."""

import asyncio
import json
import shlex

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cli_commands import commit, delete_before, options, read_all, run, send
from synthgate.broker.choose import Broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.events.facts import ControlRow
from synthgate.events.topics import TOPICS

Capture = pytest.CaptureFixture[str]


def test_list_is_the_table_and_asks_no_broker(capsys: Capture) -> None:
    code, said, _ = run(capsys, "topics", "list", "--json", "--set", "topic_prefix=x.")
    assert code == 0
    rows = [json.loads(line) for line in said.splitlines()]
    assert [row["topic"] for row in rows] == [f"x.{topic.name}" for topic in TOPICS]
    assert rows[0]["kept"] == "7 days"
    assert "tenant/subject/grant" in run(capsys, "topics", "list")[1]


def test_acls_are_commands_a_shell_reads(capsys: Capture) -> None:
    where = ("--set", "topic_prefix=x.")
    code, said, _ = run(capsys, "topics", "acls", "--only", "consent", *where)
    assert code == 0
    rights = set()
    for line in said.splitlines():
        words = shlex.split(line)
        assert words[:4] == ["kafka-acls.sh", "--bootstrap-server", "127.0.0.1:9092", "--add"]
        pairs = list(zip(words[4::2], words[5::2], strict=True))
        assert ("--allow-principal", "User:synthgate-consent") in pairs
        verbs = [value for name, value in pairs if name == "--operation"]
        rights |= {(v, *pair) for v in verbs for pair in pairs if pair[0] in ("--topic", "--group")}
    assert ("Write", "--topic", "x.passages.consented") in rights
    assert ("Read", "--group", "x.synthgate.consent") in rights
    assert not any(name == "x.decisions" for _, _, name in rights)
    both = ("--only", "consent", "--only", "moderation", "--principal", "User:CN=worker")
    code, said, _ = run(capsys, "topics", "acls", *both, *where, "--command-config", "a.properties")
    assert code == 0
    assert said.count("--allow-principal User:CN=worker") == said.count("\n")
    assert said.count("--command-config a.properties") == said.count("\n")
    assert "--group x.synthgate.consent --group x.synthgate.moderation" in said
    code, _, why = run(capsys, "topics", "acls", "--only", "nobody")
    assert code == 78
    assert "there are api, canary, cli, consent" in why
    theirs = ("--set", "intake_in=theirs.in", "--set", "intake_out=theirs.out")
    code, said, _ = run(capsys, "topics", "acls", "--only", "intake", *where, *theirs)
    assert code == 0
    assert "--operation Read --topic theirs.in" in said
    assert "--operation Write --topic theirs.out" in said
    assert "--group x.synthgate.intake.theirs.in --group x.synthgate.replies.theirs.out" in said
    assert "theirs" not in run(capsys, "topics", "acls", "--only", "identity", *where, *theirs)[1]


def test_create_then_check_is_content(kafka: Broker, topic_prefix: str, capsys: Capture) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    code, said, _ = run(capsys, "topics", "check", *where)
    assert code == 1
    assert said.count("not there") == len(TOPICS)

    code, said, _ = run(capsys, "topics", "create", *where)
    assert code == 0
    assert f"topics: {len(TOPICS)} made, 0 were there" in said
    code, said, _ = run(capsys, "topics", "check", *where)
    assert (code, said.count("\n")) == (0, 1), said
    code, said, _ = run(capsys, "topics", "create", *where)
    assert f"topics: 0 made, {len(TOPICS)} were there" in said


def test_check_names_every_difference(kafka: Broker, topic_prefix: str, capsys: Capture) -> None:
    async def made_by_hand() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await client.start()
        try:
            await client.create_topics(
                [
                    NewTopic(
                        f"{topic_prefix}generation.events", 3, 1,
                        topic_configs={"retention.ms": "1000"},
                    ),
                    NewTopic(f"{topic_prefix}facts.consents", 2, 1),
                ]
            )  # fmt: skip
            while (
                len([name for name in await client.list_topics() if name.startswith(topic_prefix)])
                < 2
            ):
                await asyncio.sleep(0.05)
        finally:
            await client.close()

    asyncio.run(made_by_hand())
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    code, said, _ = run(capsys, "topics", "check", *where)
    assert code == 1
    name = f"{topic_prefix}generation.events"
    assert f"{name}: 3 partitions, should be 2" in said
    assert f"{name}: retention.ms is 1000, should be 604800000" in said
    assert f"{name}: message.timestamp.type is CreateTime, should be LogAppendTime" in said
    consents = f"{topic_prefix}facts.consents"
    assert f"{consents}: cleanup.policy is delete, should be compact" in said
    assert "passages.identified:" not in said


def test_replicas_no_broker_can_hold_are_refused(
    kafka: Broker, topic_prefix: str, capsys: Capture
) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    code, _, why = run(capsys, "topics", "create", *where, "--set", "insync_min=2")
    assert code == 78
    assert "nothing could be written" in why
    code, _, why = run(
        capsys, "topics", "create", *where, "--set", "replicas=9", "--set", "insync_min=1"
    )
    assert code == 1
    assert "replication factor" in why.lower()


def test_embedded_broker_says_what_it_cannot(
    embedded: EmbeddedBroker, topic_prefix: str, capsys: Capture
) -> None:
    where = options(embedded.bootstrap, topic_prefix)
    embedded.create_topics({f"{topic_prefix}control": 2})
    for act in ("create", "check"):
        code, _, why = run(capsys, "topics", act, *where)
        assert code == 78
        assert "this broker does not offer that request" in why


def test_accept_loss_writes_what_was_lost_and_no_more(
    kafka: Broker, topic_prefix: str, capsys: Capture
) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    topic, group = f"{topic_prefix}generation.events", f"{topic_prefix}synthgate.identity"
    accept = ("topics", "accept-loss", "generation.events", "1", "--reason", "disk lost", *where)

    assert "has never read" in run(capsys, *accept)[2]
    send(kafka.bootstrap, topic, 1, [b"%d" % n for n in range(10)])
    commit(kafka.bootstrap, group, topic, 1, 3)
    code, _, why = run(capsys, *accept)
    assert code == 1
    assert "nothing is lost: generation.events/1 begins at 0 and is read up to 3" in why

    delete_before(kafka.bootstrap, topic, 1, 7)
    code, said, _ = run(capsys, *accept, "--by", "ops-1")
    assert code == 0
    assert "offsets 3 to 6" in said
    (record,) = read_all(kafka.bootstrap, f"{topic_prefix}control", 1)
    row = ControlRow.model_validate_json(record.value)
    assert record.key.decode() == row.name == "loss/generation.events/1/3"
    assert row.body == {"to": 7, "by": "ops-1", "reason": "disk lost"}


def test_accept_loss_on_a_passages_topic_uses_its_readers_group(
    kafka: Broker, topic_prefix: str, capsys: Capture
) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    topic = f"{topic_prefix}passages.consented"
    send(kafka.bootstrap, topic, 0, [b"x"] * 4)
    commit(kafka.bootstrap, f"{topic_prefix}synthgate.moderation", topic, 0, 1)
    delete_before(kafka.bootstrap, topic, 0, 4)
    code, said, _ = run(
        capsys, "topics", "accept-loss", "passages.consented", "0", "--reason", "x", *where
    )
    assert code == 0
    assert "offsets 1 to 3" in said
    assert "synthgate rewind" in said


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("facts.consents", "src/RECOVERY.md"),
        ("work", "no duty"),
        ("no.such", "no topic no.such in the table"),
    ],
)
def test_accept_loss_refuses_what_has_no_position(topic: str, words: str, capsys: Capture) -> None:
    code, _, why = run(capsys, "topics", "accept-loss", topic, "0", "--reason", "x")
    assert code in (1, 78)
    assert words in why


def test_a_partition_that_is_not_there(kafka: Broker, topic_prefix: str, capsys: Capture) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    argv = ("topics", "accept-loss", "generation.events", "9", "--reason", "x", *where)
    assert "no topic" in run(capsys, *argv)[2]
    assert run(capsys, "topics", "create", *where)[0] == 0
    assert "has no partition 9; it has 0 to 1" in run(capsys, *argv)[2]
