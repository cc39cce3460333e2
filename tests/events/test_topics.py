"""The topic table in code is DESIGN's table, and its graph has two loops, both closed by incidents."""

import itertools

from synthgate.events.topics import (
    BY_NAME,
    COPIES,
    DAY_MS,
    DUTIES,
    FORBIDDING,
    HEARD,
    HOUR_MS,
    SOURCES,
    TOPICS,
    Kind,
    chain_input,
    chain_output,
)  # fmt: skip

CHAIN = ("identified", "consented", "moderated", "labelled")

# name: writer, key, readers, kept (hours, None compacted), logged
TABLE: dict[str, tuple[str, str, tuple[str, ...], int | None, str]] = {
    "generation.events": ("platform", "tenant/user", ("identity",), 168, "by entry"),
    "operator.events": ("desk", "as original", ("identity",), 168, "by entry"),
    "timer.events": ("incidents", "as original", ("identity",), 168, "by entry"),
    **{
        f"passages.{done}{lane}": (DUTIES[n], "as source", (DUTIES[n + 1],), 72, "no")
        for (n, done), lane in itertools.product(enumerate(CHAIN), ("", ".slow"))
    },
    "decisions": ("retention", "as source", ("platform", "incidents"), 168, "is the log's echo"),
    "facts.consents": ("platform", "tenant/subject/grant", ("consent",), None, "yes"),
    "facts.revocations": (
        "platform", "tenant/subject/grant", ("consent", "retention", "incidents"), None, "yes",
    ),
    "facts.accounts": ("platform", "tenant/user", ("identity", "retention"), None, "yes"),
    "facts.templates": (
        "platform", "tenant/template", ("consent", "moderation", "labelling"), None, "yes",
    ),
    "facts.features": ("cli", "entry/from_version", ("moderation",), None, "yes"),
    "facts.news_sources": ("cli", "source", ("moderation",), None, "yes"),
    "facts.switches": ("cli", "tenant/function", ("identity", "retention"), None, "yes"),
    "facts.recalls": ("platform", "tenant/generation", ("retention",), None, "yes"),
    "registry.users": ("identity", "tenant/user", ("identity",), None, "no"),
    "standings": ("incidents", "tenant/user", ("identity", "retention", "incidents"), None, "yes"),
    "cases": ("incidents", "case", ("desk", "incidents"), None, "yes"),
    "desk.events": ("desk", "case", ("desk",), 168, "no"),
    "work": ("incidents", "id", ("platform",), 168, "yes"),
    "case.events": ("platform", "case or produce id", ("incidents",), 168, "yes"),
    "records.door": ("identity", "partition", ("retention",), 72, "yes"),
    "checkpoints": ("retention", "log, hour", ("cli",), None, "is the log's proof"),
    "guards": ("incidents", "partition/subject", ("incidents",), None, "yes"),
    "control": ("cli", "name", DUTIES, None, "yes"),
    "quarantine": ("any duty", "tenant", ("cli",), 720, "stub is"),
}  # fmt: skip


def test_table_is_the_designs() -> None:
    code = {
        topic.name: (
            topic.writer,
            topic.key,
            topic.readers,
            None if topic.kept_ms is None else topic.kept_ms // HOUR_MS,
            topic.logged,
        )
        for topic in TOPICS
    }
    assert code == TABLE
    assert len(BY_NAME) == len(TOPICS)


def test_one_writer_a_topic_but_quarantine() -> None:
    people = {"platform", "desk", "cli"}
    for topic in TOPICS:
        if topic.kind is Kind.QUARANTINE:
            assert topic.writer == "any duty"
        else:
            assert topic.writer in {*people, *DUTIES}
        assert topic.readers


def edges() -> set[tuple[str, str, str]]:
    """Writer, reader, topic, between duties; a duty that reads its own rows back closes no loop."""
    return {
        (topic.writer, reader, topic.name)
        for topic in TOPICS
        for reader in topic.readers
        if topic.writer in DUTIES and reader in DUTIES and topic.writer != reader
    }


def test_backward_edges_are_incidents_two_loops() -> None:
    order = {duty: at for at, duty in enumerate(DUTIES)}
    back = {(writer, name) for writer, reader, name in edges() if order[reader] <= order[writer]}
    assert back == {("incidents", "standings"), ("incidents", "timer.events")}


def test_without_the_two_loops_nothing_comes_back() -> None:
    """Taking the two topics away leaves no cycle, whatever the order one draws it in."""
    following: dict[str, set[str]] = {duty: set() for duty in DUTIES}
    for writer, reader, name in edges():
        if name not in ("standings", "timer.events"):
            following[writer].add(reader)
    done: set[str] = set()
    while len(done) < len(DUTIES):
        ready = {
            duty
            for duty in DUTIES
            if duty not in done
            and not any(duty in following[other] for other in DUTIES if other not in done)
        }
        assert ready, f"a cycle among {set(DUTIES) - done}"
        done |= ready


def test_a_record_walks_every_duty_in_order() -> None:
    for slow in (False, True):
        for before, after in itertools.pairwise(DUTIES[:-1]):
            topic = BY_NAME[chain_output(before, slow=slow)]
            assert topic.name == chain_input(after, slow=slow)
            assert (topic.writer, topic.readers) == (before, (after,))
    assert BY_NAME["decisions"].writer == "retention"
    assert "incidents" in BY_NAME["decisions"].readers


def test_sources_outlive_the_chain_and_the_door_reads_them() -> None:
    longest = max(
        kept for topic in TOPICS if topic.kind is Kind.CHAIN and (kept := topic.kept_ms) is not None
    )
    for name in SOURCES:
        kept = BY_NAME[name].kept_ms
        assert kept is not None
        assert kept > longest
        assert kept == 7 * DAY_MS
        assert BY_NAME[name].readers == ("identity",)
        assert BY_NAME[name].kind is Kind.SOURCE


def test_what_forbids_is_read_again_by_retention() -> None:
    assert set(FORBIDDING) <= set(COPIES["retention"])
    for duty, names in COPIES.items():
        for name in names:
            assert BY_NAME[name].kept_ms is None, f"{duty}: a full copy needs a compacted topic"


def test_what_is_heard_row_by_row_is_read_and_not_copied() -> None:
    for duty, names in HEARD.items():
        for name in names:
            assert duty in BY_NAME[name].readers
            assert name not in COPIES[duty]


def test_quarantine_takes_the_largest_source_record_and_its_seal() -> None:
    largest = max(topic.bytes_max for topic in TOPICS if topic.kind is Kind.SOURCE)
    assert BY_NAME["quarantine"].bytes_max == largest + 64 * 1024
    assert {topic.bytes_max for topic in TOPICS if topic.kind is Kind.CHAIN} == {1024 * 1024}
