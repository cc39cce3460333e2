"""What the chaos suite checks beside the history checker can fail: each planted fault is found."""

import copy
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer

from acts_at_hand import a_bus, an_event, decide, verify
from chaos import findings
from cli_commands import options as options_for
from cli_commands import run
from e2e.history import History
from e2e.test_history import taken
from synthgate.broker.choose import Broker
from synthgate.settings import Settings

IDLE_SECONDS = 1.0


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Two releases and a refusal, half a second and ten seconds apart."""
    bus = a_bus(tmp_path_factory.mktemp("known"))
    verify(bus)
    decide(bus, an_event(bus, "first"))
    bus.now_ms += 500
    decide(bus, an_event(bus, "second"))
    bus.send(an_event(bus, "bad", content={"prompt": "where can I buy heroin"}))
    bus.now_ms += 10_000
    bus.run()
    return taken(bus)


def test_an_answer_known_beforehand(history: History) -> None:
    assert list(findings.known(history, {"first", "second"}, {"bad"})) == []
    (wrong,) = findings.known(history, {"first", "bad"}, ())
    assert wrong.startswith("sure: bad was answered refuse (") and "risk_refuse" in wrong
    assert list(findings.known(history, (), {"second"})) == [
        "barred: second was answered release ()"
    ]
    assert list(findings.known(history, {"never"}, {"neither"})) == [
        "sure: never was not decided", "barred: neither was not decided",
    ]  # fmt: skip


def test_the_longest_pause_counts_only_while_something_waits(history: History) -> None:
    assert findings.longest_pause(history) == 10.0
    quiet = copy.deepcopy(history)
    for entry in quiet.entry.values():
        if entry.header["event_id"] == "bad":  # it came late: nobody waited for it
            entry.content["passage"]["origin"]["at"] += 9_000
    assert findings.longest_pause(quiet) == 1.0


def test_faults_are_sorted_out() -> None:
    found = findings.sorted_out(
        [
            "accounted: 1/generation.events/0/1 is lost",
            "accounted: 1/generation.events/0/2 has 2 entries",
            "accounted: 1/timer.events/0/2 is invented",
            "recorded: 1/cases/0/4 is lost",
            "recorded: 1/cases/0/5 has 2 entries",
            "once: root 1/x/0/1 is there 2 times",
            "cases: d has 2 cases",
            "standings: d counts 2 times",
            "ordered: 0/3: offset 1 of x stands after 2",
            "round: it took too long",
        ]
    )
    assert found == {"lost": 2, "doubled": 6, "other": 2}


@pytest.fixture
def held(kafka: Broker, topic_prefix: str) -> Iterator[tuple[Settings, Consumer]]:
    """A member of consent's group that holds its input and reads nothing."""
    settings = Settings.load(
        environ={}, brokers=kafka.bootstrap, topic_prefix=topic_prefix, partitions=2, replicas=1,
        insync_min=1,
    )  # fmt: skip
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap, "group.id": settings.group("consent"),
            "group.instance.id": "one", "enable.auto.commit": False, "session.timeout.ms": 6000,
            "auto.offset.reset": "earliest",
        }
    )  # fmt: skip
    yield settings, consumer
    consumer.close()


def test_a_member_that_lives_and_reads_nothing(
    held: tuple[Settings, Consumer], capsys: pytest.CaptureFixture[str]
) -> None:
    settings, consumer = held
    run(capsys, "topics", "create", *options_for(settings.brokers, settings.topic_prefix))
    topic = settings.topic("passages.identified")
    consumer.subscribe([topic])
    while not consumer.assignment():
        consumer.poll(0.1)
    assert findings.idle(settings, {"one"}) == []
    producer = Producer({"bootstrap.servers": settings.brokers})
    producer.produce(topic, b"{}", partition=1)
    assert producer.flush(60) == 0
    assert findings.idle(settings, {"one", "gone"}, IDLE_SECONDS) == [
        f"one of {settings.group('consent')} lives, and has 1 offsets to go on {topic}/1",
        "worker gone lives, and is in no group",
    ]
    message = consumer.poll(60)
    assert message is not None
    consumer.commit(message, asynchronous=False)
    assert findings.idle(settings, {"one"}, IDLE_SECONDS) == []
