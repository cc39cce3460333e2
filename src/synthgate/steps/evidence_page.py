"""The report of an evidence bundle as HTML, in Chinese or English: fixed words of ours, and its own data.

One file without scripts or anything from elsewhere. Everything written by others is escaped.
"""

import html
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from synthgate.page import framed
from synthgate.steps.record_entry import ABSENT, RECORDED

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("日志证据报告", "Evidence from the log"),
    "asked": ("查询", "Asked for"),
    "made": ("制作", "Made"),
    "entries": ("条目数", "Entries"),
    "actions": ("决定", "Decisions"),
    "states": ("条目状态", "State of entries"),
    "laws": ("法律条目版本", "Law sets (hash)"),
    "libraries": ("特征库版本", "Feature library versions"),
    "rules": ("依据", "Rules given as reasons"),
    "unverified": ("尚未与官方文本核对", "not compared with the official text"),
    "place": ("日志/序号", "log/entry"),
    "action": ("决定", "decision"),
    "type": ("操作类型", "operation"),
    "tenant": ("平台", "tenant"),
    "event_id": ("事件编号", "event"),
    "event_time": ("操作时间", "time of the act"),
    "recorded_at": ("记录时间", "recorded"),
    "keep_until": ("保存至", "kept until"),
    "produce_id": ("内容编号", "content number"),
    "user": ("用户标记", "user token"),
    "account": ("用户账号", "account"),
    "net": ("网络字段", "network fields"),
    "medium": ("媒介", "medium"),
    "template": ("模板", "template"),
    "model": ("模型", "model"),
    "purpose": ("用途", "purpose"),
    "subjects": ("被编辑人标记", "edited persons"),
    "label": ("隐式标识", "label"),
    "objects": ("文件", "files"),
    "verdicts": ("裁定", "verdicts"),
    "event": ("事件原文", "event as received"),
    "record": ("记录原文", "record as logged"),
    "recorded": ("事实或后续记录", "a fact, or what followed"),
    "absent": ("无记录", "held nothing"),
    "hash": ("叶哈希", "leaf hash"),
    "gone": ("内容密钥已销毁或条目已到期；哈希与证明仍有效", "content erased or expired; hash and proof stand"),
    "release": ("放行", "released"),
    "refuse": ("拒绝", "refused"),
    "hold": ("暂缓", "held"),
    "recall": ("召回", "recalled"),
    "silent": ("沿用原决定", "as decided before"),
    "never read": ("未读取", "never read"),
    "kept": ("保存", "kept"),
    "erased": ("内容已删除", "content erased"),
    "expired": ("已到期", "expired"),
    "pass": ("通过", "pass"),
    "not_applicable": ("不适用", "does not apply"),
    "identity": ("身份", "identity"),
    "consent": ("同意", "consent"),
    "moderation": ("审核", "moderation"),
    "labelling": ("标识", "labelling"),
    "retention": ("留存", "retention"),
    "statute": ("法律规章", "statute"),
    "mandatory standard": ("强制性标准", "mandatory standard"),
    "recommended standard": ("推荐性标准", "recommended standard"),
    "house policy": ("内部规则", "house policy"),
    "proof": (
        "本报告的每一条目均附日志原文、包含证明与已签名检查点；请用 synthgate verify 离线核验。",
        "Every entry stands beside this report as logged, with its proof and a signed checkpoint: check it"
        " offline with synthgate verify.",
    ),
    "word": (
        "无密钥时，仅明文头可与条目核对；其余为制作者的陈述。",
        "Without keys only the clear header can be held against the entry; the rest is the maker's word.",
    ),
}  # fmt: skip
_FIELDS: Final = (
    "action", "type", "tenant", "event_id", "event_time", "recorded_at", "keep_until", "produce_id", "user",
    "account", "net", "medium", "template", "model", "purpose", "subjects", "label", "event", "record",
)  # fmt: skip
_OURS: Final = ("action", "verdicts")
"""Members whose values are words of ours; any other's are shown as they stand."""
_TIMES: Final = ("event_time", "recorded_at", "keep_until", "at")
_STYLE: Final = (
    "body{font:15px/1.6 sans-serif;max-width:64em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:0 0 2em;width:100%}"
    "th,td{border:1px solid #888;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{width:11em;font-weight:600}pre{margin:0;white-space:pre-wrap}"
)


def page(report: Mapping[str, Any], language: str) -> str:
    """The whole page in ``zh`` or ``en``."""
    return framed(_word("title", language), _STYLE, "\n".join(_body(report, language)), language)


def _body(report: Mapping[str, Any], language: str) -> Iterator[str]:
    yield f"<p>{_word('proof', language)}</p>\n<p>{_word('word', language)}</p>\n<table>"
    for name in ("asked", "made", "entries", "actions", "states", "laws", "libraries"):
        yield _line(name, report[name], language)
    yield "</table>"
    if report["rules"]:
        yield f"<h2>{_word('rules', language)}</h2>\n<ul>"
        for rule in report["rules"]:
            checked = "" if rule["verified"] else f" ({_word('unverified', language)})"
            yield (
                f"<li>{html.escape(' '.join(rule['rules']))}: {html.escape(rule[language])}"
                f" {html.escape(rule['cites'])} [{_word(rule['force'], language)}]{checked}</li>"
            )
        yield "</ul>"
    for row in report["rows"]:
        yield from _entry(row, report["codes"], language)


def _entry(
    row: Mapping[str, Any], codes: Mapping[str, Mapping[str, str]], language: str
) -> Iterator[str]:
    yield f"<h2>{_word('place', language)} {row['log']}/{row['index']}</h2>\n<table>"
    for name in _FIELDS:
        if row.get(name) not in (None, [], {}):
            yield _line(name, row[name], language)
    for one in row.get("objects", ()):
        yield _line("objects", one, language)
    if row["verdicts"] is None and row["action"] not in (RECORDED, ABSENT):
        yield _line("verdicts", _word("gone", language), language)
    for verdict in row["verdicts"] or ():
        said = [f"<b>{_word(verdict['outcome'], language)}</b>"]
        for reason in verdict["reasons"]:
            where = f" {html.escape(reason['where'])}" if reason["where"] else ""
            sentence = html.escape(codes[reason["code"]][language])
            said.append(
                f"{sentence} {html.escape(reason['rule'])}, {html.escape(reason['article'])}"
                f" [{_word(reason['force'], language)}]{where}"
            )
        yield f"<tr><th>{_word(verdict['obligation'], language)}</th><td>{'<br>'.join(said)}</td></tr>"
    yield "</table>"


def _line(name: str, value: Any, language: str) -> str:
    return f"<tr><th>{_word(name, language)}</th><td>{_shown(name, value, language)}</td></tr>"


def _shown(name: str, value: Any, language: str) -> str:
    if name in ("event", "record"):  # as received: none of its words is taken for one of ours
        return f"<pre>{html.escape(json.dumps(value, ensure_ascii=False, indent=1))}</pre>"
    if isinstance(value, Mapping):
        return "<br>".join(
            f"{_word(key, language)}: {_shown(key, inner, language)}"
            for key, inner in value.items()
        )
    if isinstance(value, list):
        return "<br>".join(_shown(name, inner, language) for inner in value)
    if isinstance(value, int) and not isinstance(value, bool) and name in _TIMES:
        return html.escape(moment(value, language))
    ours = name in _OURS and isinstance(value, str)
    return _word(value, language) if ours else html.escape(str(value))


def moment(at_ms: int, language: str) -> str:
    """A time as people write it: Beijing's for Chinese readers, UTC for others, and which.

    One that no calendar has is shown as the number it is: events say what their senders please.
    """
    zone = timezone(timedelta(hours=8)) if language == "zh" else UTC
    try:
        return datetime.fromtimestamp(at_ms / 1000, zone).isoformat(" ", "milliseconds")
    except (ValueError, OverflowError, OSError):
        return str(at_ms)


def _word(name: str, language: str) -> str:
    both = _WORDS.get(name)
    return html.escape(name) if both is None else both[language == "en"]
