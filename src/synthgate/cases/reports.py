"""Reports to authorities: a document made of a case, as data first and as a page of the very same words.

Pure. What the case does not know is marked pending, never made up; items a person stated (``items`` of an
incident) stand as they were said. Nothing here is sent: a named person submits it, and the clock of the case
stops on the authority's receipt alone.
"""

import hashlib
import html
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from synthgate.cases.calendar import moment
from synthgate.cases.penalties import WAITS
from synthgate.events.decision import CaseRow
from synthgate.law.reports import Item, templates
from synthgate.page import framed

GUARDED: Final = {
    "zh": "所依据的特征库条目或规则存疑，正由两人复核：处罚暂缓，拒绝仍有效。",
    "en": "The library entry or rule this rests on is in doubt and looked at by two people: penalties wait,"
    " the refusal stands.",
}
"""Said of a case that a blast guard makes wait (ADR 0025, 0033)."""
PENDING: Final = {"zh": "待补充", "en": "pending: follows in a supplement"}
LANGUAGES: Final = ("zh", "en")
_ID_DIGITS: Final = 16
_STYLE: Final = (
    "body{font:16px/1.6 sans-serif;max-width:48em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}th,td{border:1px solid #888;padding:.4em .6em;text-align:left;"
    "vertical-align:top}"
)


def kind_of(row: CaseRow) -> str:
    """The template of a case. KeyError: no report is made of such a case."""
    if row.kind == "incident" and row.status in ("handled", "summarised"):
        return "summary"
    if row.kind not in ("content", "rumour", "incident"):
        raise KeyError(row.kind)
    return row.kind


def document(row: CaseRow, works: Iterable[CaseRow], unit: str) -> dict[str, Any]:
    """The report of a case as it stands. unit: who reports. works: its pieces of work.

    Its id is made of the case and what the document says: handed over twice, by whomever, it is one report.

    Raises:
        KeyError: no report is made of such a case.
    """
    kind = kind_of(row)
    template = templates()[kind]
    owed = sorted(works, key=lambda one: one.case)
    told = row.detail.get("items", {})
    items = [
        _item(number, item, row, owed, unit, told) for number, item in enumerate(template.item, 1)
    ]
    sent = next(
        (d for d in row.deadlines if d.id == ("summary" if kind == "summary" else "report.sent")),
        None,
    )
    said = {
        "case": row.case,
        "kind": kind,
        "title": {"zh": template.zh, "en": template.en},
        "to": {"zh": template.to_zh, "en": template.to_en},
        "unit": unit,
        "rules": list(row.rules),
        "guarded": GUARDED if row.detail.get("waits") == WAITS else None,
        "due_at": None if sent is None else moment(sent.due_at),
        "internal_target": None if sent is None else sent.internal,
        "supplement": any(n.type == "report.receipted" and n.refused is None for n in row.timeline),
        "items": items,
        "evidence": _evidence(row, owed),
    }  # fmt: skip
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"v": 1, "report": f"{row.case}@{digest[:_ID_DIGITS]}", **said}


def page(report: Mapping[str, Any], language: str) -> str:
    """The document as HTML in one language; every word of it stands in the document."""
    title = html.escape(report["title"][language])
    rows = "\n".join(
        f"<tr><th scope=row>{item['no']}. {html.escape(item[language])}</th>"
        f"<td>{html.escape(PENDING[language] if item['pending'] else item['value'])}</td></tr>"
        for item in report["items"]
    )
    evidence = "\n".join(f"<li>{html.escape(line)}</li>" for line in report["evidence"])
    guarded = f"<p>{report['guarded'][language]}</p>\n" if report["guarded"] else ""
    body = (
        f"<p>{html.escape(report['to'][language])}</p>\n"
        f"<p>{html.escape(report['unit'])}</p>\n<p>{html.escape(report['report'])}</p>\n{guarded}"
        f"<table>\n{rows}\n</table>\n<ul>\n{evidence}\n</ul>"
    )
    return framed(title, _STYLE, body, language)


def _item(
    number: int, item: Item, row: CaseRow, works: list[CaseRow], unit: str, told: Mapping[str, Any]
) -> dict[str, Any]:
    said = told.get(item.key)
    known = _KNOWN.get(item.key)
    parts = [known(row, works, unit) if known else "", said if isinstance(said, str) else ""]
    value = " ".join(part for part in parts if part)
    return {
        "no": number, "key": item.key, "zh": item.zh, "en": item.en, "value": value,
        "pending": not value, "always": item.always,
    }  # fmt: skip


def _found(row: CaseRow, works: list[CaseRow], unit: str) -> str:
    graded = row.detail.get("graded")
    parts = [moment(row.opened_at), str(row.detail.get("type", row.kind))]
    if graded:
        level = graded["level"] if not graded["unknown"] else f"{graded['level']} or above"
        parts += [level, *(f"{name}={row.detail['measures'][name]}" for name in graded["hits"])]
    return ", ".join(parts)


def _content(row: CaseRow, works: list[CaseRow], unit: str) -> str:
    about: dict[str, Any] = {}
    for one in works:
        about |= one.detail["work"]["about"]
    named = [f"{name}={about[name]}" for name in sorted(about) if isinstance(about[name], str)]
    linked = [
        f"{name}: {value}"
        for name in ("decisions", "generations")
        for value in row.links.get(name, ())
    ]
    risks = [str(risk) for risk in row.detail.get("risks", ())]
    return ", ".join([*linked, *named, *risks]) or row.case


def _measures(row: CaseRow, works: list[CaseRow], unit: str) -> str:
    done = [f"{one.detail['work']['kind']}: {one.status}" for one in works]
    return ", ".join([f"case {row.status}", *done])


def _spread(row: CaseRow, works: list[CaseRow], unit: str) -> str:
    counts = row.detail.get("reached", {})
    copies = len(row.links.get("copies", ()))
    return f"recipients: {sum(counts.values())}, copies: {copies}" if counts else ""


def _users(row: CaseRow, works: list[CaseRow], unit: str) -> str:
    return ", ".join(row.links.get("generators", ())) or row.user or ""


_KNOWN: Final[Mapping[str, Callable[[CaseRow, list[CaseRow], str], str]]] = {
    "system": lambda row, works, unit: f"{unit}, {row.tenant}",
    "found": _found,
    "content": _content,
    "measures": _measures,
    "users": _users,
    "spread": _spread,
}
"""What a case itself knows of an item."""


def _evidence(row: CaseRow, works: list[CaseRow]) -> list[str]:
    """Where the proof lies: log entries by receipt, proofs of work by reference and hash."""
    lines = []
    if row.receipt is not None:
        lines.append(f"log {row.receipt.log} entry {row.receipt.index} sha256 {row.receipt.hash}")
    for one in works:
        for noted in one.timeline:
            proof = ", ".join(f"{name}={noted.detail[name]}" for name in sorted(noted.detail))
            lines.append(
                f"{one.detail['work']['id']} {noted.type} {moment(noted.at)} {proof}".strip()
            )
    for noted in row.timeline:
        if noted.type.endswith(".receipted") and noted.refused is None:
            proof = ", ".join(f"{name}={noted.detail[name]}" for name in sorted(noted.detail))
            lines.append(f"{noted.type} {moment(noted.at)} {proof}")
    return lines
