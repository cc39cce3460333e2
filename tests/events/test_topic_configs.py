"""What the broker is told follows the table; rights are the least that the table needs."""

import pytest

from synthgate.events.topic_configs import Right, configs, grants, rights
from synthgate.events.topics import DUTIES, ERASED, RECORDED, TOPICS, Kind, Topic

EVERY = set(rights())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_retention_size_and_stamps(topic: Topic) -> None:
    rows = configs(topic, insync_min=2)
    assert rows["message.timestamp.type"] == "LogAppendTime"
    assert rows["min.insync.replicas"] == "2"
    assert rows["max.message.bytes"] == str(topic.bytes_max)
    if topic.kept_ms is None:
        assert rows["cleanup.policy"] == "compact"
        assert "retention.ms" not in rows
        assert int(rows["min.compaction.lag.ms"]) < int(rows["max.compaction.lag.ms"])
        # A copy rebuilds itself when older than half of this; a day's outage must not force that.
        assert int(rows["delete.retention.ms"]) >= 2 * 24 * 3_600_000
    else:
        assert rows["cleanup.policy"] == "delete"
        assert rows["retention.ms"] == str(topic.kept_ms)


def test_only_the_writer_may_write() -> None:
    for topic in TOPICS:
        writers = {
            right.who for right in EVERY if right.verb == "Write" and right.name == topic.name
        }
        told = set(DUTIES) if topic.kind is Kind.QUARANTINE else {topic.writer}
        if topic.name in ("operator.events", "desk.events"):
            told.add("cli")  # it hands back what was quarantined, and is the desk
        if topic.name == "generation.events":
            told |= {"api", "canary", "intake"}
        if topic.name in (*ERASED, "operator.events"):
            told.add("eraser")  # tombstones, and that a request was met
        if topic.kind is Kind.QUARANTINE:
            told.add("intake")
        assert writers == told


def test_readers_may_read_and_nobody_else_but_the_cli() -> None:
    for topic in TOPICS:
        readers = {
            right.who for right in EVERY if right.verb == "Read" and right.name == topic.name
        }
        ours = {"api", "canary", "intake"} if topic.name == "decisions" else set()
        if topic.name in (*ERASED, "facts.accounts"):
            ours = {"eraser"}
        if topic.name in RECORDED:
            ours.add("retention")  # it logs them
        assert readers == {*topic.readers, "cli"} | ours


def test_each_duty_has_its_own_group_and_the_cli_mends_only_the_doors() -> None:
    for duty in DUTIES:
        group = f"synthgate.{duty}"
        joined = {right.who for right in EVERY if right.name == group and right.verb == "Read"}
        assert joined == ({duty, "cli"} if duty == "identity" else {duty})
    assert Right("cli", "Describe", "group", "synthgate.retention") in EVERY
    assert Right("retention", "Read", "group", "synthgate.records") in EVERY


def test_a_worker_may_look_at_the_settings_of_all_it_touches() -> None:
    for duty in DUTIES:
        touched = {r.name for r in EVERY if r.who == duty and r.kind == "topic"}
        looked = {r.name for r in EVERY if r.who == duty and r.verb == "DescribeConfigs"}
        assert touched == looked


def test_grants_are_the_same_rights_in_fewer_commands() -> None:
    told = grants(rights())
    assert len(told) < 40
    given = [
        Right(grant.who, verb, grant.kind, name)
        for grant in told
        for verb in grant.verbs
        for name in grant.names
    ]
    assert len(given) == len(set(given))
    assert set(given) == EVERY
