"""The six ``decide`` without an engine: in one go or over six topics, the same decision on every event."""

import time
from pathlib import Path

import orjson
import pytest

from synthgate.bench.load import events
from synthgate.bench.six import PATH, NotReleased, Record, Six
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.settings import Settings

NOW_MS = time.time_ns() // 1_000_000  # the duties are told of users as of now


def _six(folder: Path) -> tuple[Six, list[Record]]:
    settings = Settings.load(
        environ={}, data_dir=folder, provider_code=SAMPLE_CODE, provider_sample=True
    )
    records = [
        Record(sent.partition, number, NOW_MS, sent.key, sent.value, sent.headers)
        for number, sent in enumerate(events(settings, 20, NOW_MS))
    ]
    return Six(settings), records


def test_one_go_says_what_six_topics_say(tmp_path: Path) -> None:
    six, records = _six(tmp_path)
    assert len(six.each) == len(PATH)
    for one in records:
        at = one
        for decide in six.each.values():
            at = at._replace(value=decide(at))
        told, fused = orjson.loads(at.value), orjson.loads(six.fused(one))
        assert told["action"] == "release"
        assert [row["obligation"] for row in told["verdicts"]] == [
            "identity", "consent", "moderation", "labelling", "retention",
        ]  # fmt: skip
        assert {**told, "decided_at": 0} == {**fused, "decided_at": 0}


def test_what_is_not_released_is_no_measurement(tmp_path: Path) -> None:
    six, (one, *_) = _six(tmp_path)
    data = orjson.loads(one.value)
    data["net"]["src_ip"] = ""
    with pytest.raises(NotReleased):
        six.fused(one._replace(value=orjson.dumps(data)))
