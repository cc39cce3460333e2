"""Units news may be reposted from: listed at the event's time; what is struck off or unreadable is not."""

from synthgate.events.event import time_ms
from synthgate.events.facts import NewsSourceRow
from synthgate.registries import Registries

TOPIC = "facts.news_sources"
FROM, UNTIL = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"
DURING = time_ms("2026-03-01T00:00:00Z")


def table(*rows, offset=0):
    registries = Registries([TOPIC])
    for at, row in enumerate(rows):
        key, value = (
            (row.source.encode(), row.model_dump_json().encode()) if row else (b"unit", b"{")
        )
        registries.apply(TOPIC, 0, offset + at, key, value)
    return registries


def a_row(**over):
    row = {
        "version": 1,
        "source": "unit",
        "list_version": "v1",
        "listed": True,
        "listed_from": FROM,
    }
    return NewsSourceRow.model_validate(row | over)


def test_a_source_is_listed_within_its_time():
    sources = table(a_row(listed_until=UNTIL)).news_sources
    assert sources.version("unit", DURING) == "v1"
    assert sources.version("unit", time_ms(FROM)) == "v1"
    assert sources.version("unit", time_ms(FROM) - 1) is None
    assert sources.version("unit", time_ms(UNTIL)) is None
    assert sources.version("other", DURING) is None
    assert table(a_row()).news_sources.version("unit", time_ms(UNTIL)) == "v1"


def test_struck_off_counts_at_once_and_an_unreadable_row_lists_nothing():
    assert (
        table(a_row(), a_row(version=2, listed=False)).news_sources.version("unit", DURING) is None
    )
    assert table(a_row(listed=False), a_row()).news_sources.version("unit", DURING) is None
    assert table(a_row(), None).news_sources.version("unit", DURING) is None


def test_a_copy_read_again_is_asked_and_not_the_one_before():
    registries = table(a_row())
    assert registries.news_sources.version("unit", DURING) == "v1"
    registries.reset(TOPIC)
    assert registries.news_sources.version("unit", DURING) is None
