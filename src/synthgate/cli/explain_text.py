"""The words of ``synthgate explain``, in Chinese and English."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from synthgate.law.reasons import Language, mend, text

if TYPE_CHECKING:
    from synthgate.cli.explain import Incidents
    from synthgate.cli.found import Found

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "release": ("RELEASED", "放行"),
    "refuse": ("REFUSED", "拒绝"),
    "hold": ("HELD", "暂缓"),
    "recall": ("RECALLED", "召回"),
    "pass": ("pass", "通过"),
    "refused": ("refuse", "拒绝"),
    "hold:review": ("hold: a person must judge", "暂缓：待人工审核"),
    "hold:retry": ("hold: comes back by itself", "暂缓：自动重试"),
    "not_applicable": ("does not apply", "不适用"),
    "absent": ("not asked", "未经过"),
    "identity": ("identity", "身份"),
    "consent": ("consent", "同意"),
    "moderation": ("moderation", "审核"),
    "labelling": ("labelling", "标识"),
    "retention": ("retention", "留存"),
    "incidents": ("incidents", "处置"),
    "statute": ("statute", "法律规章"),
    "mandatory standard": ("mandatory standard", "强制性标准"),
    "recommended standard": ("recommended standard", "推荐性标准"),
    "house policy": ("house policy", "内部规则"),
    "case": ("opens a case", "立案"),
    "heard": ("has heard it", "已处理"),
    "unheard": ("has not heard it yet", "尚未处理"),
    "unknown": ("left the topic", "已移出主题"),
    "why": ("Why", "原因"),
    "at": ("at", "位置"),
    "next": ("next:", "下一步："),
    "objects": ("May be served, nothing else", "仅可提供以下内容"),
    "pass_made": ("It carries a pass for the next event of this generation.", "已附放行凭证，后续事件须携带。"),
    "observed": ("Observe mode: this need not be obeyed.", "观察模式：无须执行。"),
    "nothing": ("Nothing is missing.", "无缺项。"),
    "history": ("Before", "此前"),
    "revision": ("revision", "修订"),
    "entry": ("log entry", "日志条目"),
    "repeat": ("the answer to the first of these events, sent again", "与首次事件相同，沿用其结果"),
}  # fmt: skip


def word(name: str, language: str) -> str:
    """One word or phrase; a name nobody translated is shown as it is."""
    both = WORDS.get(name)
    return name if both is None else both[language == "zh"]


def screen(
    row: Mapping[str, Any], incidents: "Incidents", found: Sequence["Found"], language: Language
) -> str:
    """One screen of text."""
    return "\n".join(_lines(row, incidents, found, language))


def data(row: Mapping[str, Any], incidents: "Incidents", language: Language) -> dict[str, Any]:
    """The same as JSON-able data."""
    return {
        "event": row["event_id"],
        "type": row["type"],
        "action": row["action"],
        "enforced": row["enforced"],
        "decided_at": row["decided_at"],
        "receipt": row["receipt"],
        "verdicts": [
            *row["verdicts"],
            {
                "obligation": "incidents",
                "outcome": incidents.outcome,
                "reasons": incidents.reasons,
                "heard": incidents.heard,
            },
        ],
        "reasons": [
            {
                **reason,
                "text": text(reason["code"], language),
                "next": mend(reason["code"], language),
            }
            for reason in row["reasons"]
        ],
        "objects": row["objects"],
    }


def _lines(
    row: Mapping[str, Any], incidents: "Incidents", found: Sequence["Found"], language: Language
) -> Iterator[str]:
    receipt = row["receipt"]
    yield f"{word(row['action'], language)}  {row['event_id'] or row['origin']}  {row['type']}"
    about = [row["medium"], row["tenant"], row["generation"] and f"generation {row['generation']}"]
    yield "  ".join(
        [
            *(part for part in about if part),
            f"{word('entry', language)} {receipt['log']}/{receipt['index']} ({receipt['hash'][:12]})",
            f"{word('revision', language)} {row['revision']}",
            _moment(row["decided_at"]),
        ]
    )
    if not row["enforced"]:
        yield word("observed", language)
    yield ""
    yield from _verdicts(row, incidents, language)
    yield ""
    yield from _reasons(row, language)
    for one in row["objects"]:
        yield f"{word('objects', language)}: {one['name']}  {one['size_bytes']} B"
    if row.get("pass"):
        yield word("pass_made", language)
    before = [one.row for one in found[:-1] if one.row["receipt"] != receipt]
    for older in {one["receipt"]["index"]: one for one in before}.values():
        yield (
            f"{word('history', language)}: {word('revision', language)} {older['revision']}"
            f" {word(older['action'], language)}, {_moment(older['decided_at'])}"
        )


def _verdicts(row: Mapping[str, Any], incidents: "Incidents", language: str) -> Iterator[str]:
    by_duty = {line["obligation"]: line for line in row["verdicts"]}
    for duty in ("identity", "consent", "moderation", "labelling", "retention"):
        line = by_duty.get(duty)
        outcome = "absent" if line is None else _outcome(line)
        risks = f"  {', '.join(line['risks'])}" if line and line.get("risks") else ""
        yield f"  {_pad(word(duty, language), 12)} {word(outcome, language)}{risks}"
    heard = {True: "heard", False: "unheard", None: "unknown"}[incidents.heard]
    outcome = "pass" if incidents.outcome == "pass" else "case"
    rules = ", ".join(dict.fromkeys(reason["rule"] for reason in incidents.reasons))
    yield (
        f"  {_pad(word('incidents', language), 12)} {word(outcome, language)}"
        f"{f' ({rules})' if rules else ''}; {word(heard, language)}"
    )


def _outcome(line: Mapping[str, Any]) -> str:
    if line["outcome"] == "hold":
        return f"hold:{line.get('hold')}"
    return "refused" if line["outcome"] == "refuse" else str(line["outcome"])


def _reasons(row: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Each reason once, with every place it concerns; what to send next below it."""
    if not row["reasons"]:
        yield word("nothing", language)
        return
    places: dict[tuple[str, ...], list[str]] = {}
    for reason in row["reasons"]:
        key = tuple(reason[name] for name in ("obligation", "rule", "article", "force", "code"))
        places.setdefault(key, []).append(reason.get("where") or "")
    yield f"{word('why', language)} ({len(places)}):"
    for number, (key, wheres) in enumerate(places.items(), 1):
        duty, rule, article, force, code = key
        yield f"{number}. {text(code, language)}"
        yield f"   {word(duty, language)}  {rule}  {article}  [{word(force, language)}]  {code}"
        if any(wheres):
            yield f"   {word('at', language)} {', '.join(filter(None, wheres))}"
        if hint := mend(code, language):
            yield f"   {word('next', language)} {hint}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).astimezone().isoformat(" ", "milliseconds")


def _pad(label: str, columns: int) -> str:
    """Chinese characters take two columns."""
    return label + " " * max(0, columns - sum(2 if ord(char) > 0x2E80 else 1 for char in label))
