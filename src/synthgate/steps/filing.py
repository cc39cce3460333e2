"""The filing pack an app store or an authority asks for (DSP 13, 15, 19; LBL 7): filings, assessments, labels.

Made of what the installation knows: templates with their filing numbers and assessments, terms, what the
app's surfaces show, as tested; and of files that are attached. What is not there is named as missing, never
left out: a pack that looks whole and is not helps nobody.
"""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from synthgate.events.event import time_ms
from synthgate.events.facts import ControlRow
from synthgate.events.template_row import TemplateRow
from synthgate.page import framed
from synthgate.registries import Registries
from synthgate.registries.interfaces import PREFIX, contract_of, surface_of

TOPICS: Final = ("facts.templates", "control")


class Attached(NamedTuple):
    """A file that goes with the pack. label: fields of the label read back from it, if it bears one."""

    name: str
    sha256: str
    size_bytes: int
    label: Mapping[str, str] | None


def filing(
    tenant: str, registries: Registries, provider: Mapping[str, Any], attached: Sequence[Attached], at: int
) -> dict[str, Any]:  # fmt: skip
    """The pack's content as data. provider: code, and whether it is the marked sample. at: Unix ms."""
    rows = sorted(
        (row for row in registries.templates.rows() if row.tenant == tenant),
        key=lambda row: row.template,
    )
    said = {
        "v": 1, "tenant": tenant, "at": at, "provider": dict(provider),
        "templates": [_template(row) for row in rows],
        "terms": _terms(tenant, registries, at),
        "interfaces": list(_interfaces(tenant, registries, at)),
        "attached": [{**one._asdict(), "number": at_} for at_, one in enumerate(attached)],
    }  # fmt: skip
    return said | {"missing": list(_missing(said))}


def _template(row: TemplateRow) -> dict[str, Any]:
    kept = (
        "template",
        "media",
        "ds_class",
        "a17_item",
        "edits_person",
        "special_object",
        "status",
        "filing",
    )
    whole = row.model_dump(mode="json")
    found = {name: whole[name] for name in kept}
    return found | {name: whole[name] for name in ("assessment", "impact_assessment")}


def _terms(tenant: str, registries: Registries, at: int) -> dict[str, Any] | None:
    terms = registries.control.terms(tenant, at)
    if not isinstance(terms, tuple):
        return None
    row = registries.control.permitted(f"terms/{tenant}/{terms.version}")
    url = None if row is None else row.body.get("url")
    return {"version": terms.version, "sha256": terms.sha256, "url": url}


def _interfaces(tenant: str, registries: Registries, at: int) -> Iterator[dict[str, Any]]:
    """Surfaces whose contract counts now."""
    rows: list[ControlRow] = [
        row for row in registries.control.rows() if row.name.startswith(PREFIX)
    ]
    for row in sorted(rows, key=lambda one: one.name):
        surface, contract = surface_of(row.name), contract_of(row)
        if surface is not None and surface[0] == tenant and at < contract.valid_until:
            yield {
                "surface": contract.name, "shows": contract.shows, "wording": contract.wording,
                "screenshot_sha256": row.body["screenshot_sha256"],
                "tested_at": row.body["tested_at"], "valid_until": row.body["valid_until"],
            }  # fmt: skip


def _missing(said: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What a reader would look for and not find: what, and what it is about."""
    if not said["provider"]["code"] or said["provider"]["sample"]:
        yield {"what": "provider_code", "about": said["provider"]["code"] or ""}
    enabled = [row for row in said["templates"] if row["status"] == "enabled"]
    if not enabled:
        yield {"what": "templates", "about": said["tenant"]}
    for row in enabled:
        if row["filing"] is None:
            yield {"what": "filing", "about": row["template"]}
        if _touches(row) and not _stands(row["assessment"], said["at"]):
            yield {"what": "assessment", "about": row["template"]}
    if said["terms"] is None:
        yield {"what": "terms", "about": said["tenant"]}
    here = {one["sha256"] for one in said["attached"]}
    for one in said["interfaces"]:
        if one["screenshot_sha256"] not in here:
            yield {"what": "screenshot", "about": one["surface"]}
    if not any(one["label"] for one in said["attached"]):
        yield {"what": "sample", "about": ""}


def _touches(row: Mapping[str, Any]) -> bool:
    """Whether a security assessment is owed for it (DSP 15 ¶2)."""
    return row["special_object"] or bool({"face", "voice"} & set(row["edits_person"]))


def _stands(assessment: Mapping[str, Any] | None, at: int) -> bool:
    return assessment is not None and at < time_ms(str(assessment["valid_until"]))


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("应用商店核验与备案材料", "Filing pack for app stores"),
    "tenant": ("平台", "tenant"), "at": ("制作时间（UTC）", "made (UTC)"),
    "provider": ("服务提供者编码", "provider code"), "missing": ("缺少的材料", "What is missing"),
    "templates": ("模板", "Templates"), "terms": ("服务规则", "Terms in force"),
    "interfaces": ("界面提示（经测试）", "What the app shows, as tested"), "attached": ("附件", "Attached"),
    "whole": ("未发现缺少的材料", "nothing was found missing"),
    "provider_code": ("正式的服务提供者编码", "a provider code of one's own"),
    "filing": ("算法备案编号", "number of the algorithm filing"),
    "assessment": ("在有效期内的安全评估", "a security assessment in force"),
    "screenshot": ("界面截图文件", "the screenshot of a surface"),
    "sample": ("带标识的样例文件", "a labelled sample file"),
}  # fmt: skip


def page(said: Mapping[str, Any], language: str) -> str:
    """The pack in ``zh`` or ``en``, self-contained; all that is data is escaped."""
    at = datetime.fromtimestamp(said["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        "<table>",
        _row(_word("tenant", language), said["tenant"]), _row(_word("at", language), at),
        _row(_word("provider", language), said["provider"]["code"]), "</table>",
        f"<h2>{_word('missing', language)}</h2><ul>",
    ]  # fmt: skip
    lines += [
        f"<li>{_word(one['what'], language)} {html.escape(one['about'])}</li>"
        for one in said["missing"]
    ] or [f"<li>{_word('whole', language)}</li>"]
    lines.append("</ul>")
    for name in ("templates", "interfaces", "attached"):
        lines.append(f"<h2>{_word(name, language)}</h2>")
        for one in said[name]:
            lines += [
                "<table>",
                *(_row(html.escape(key), value) for key, value in one.items()),
                "</table>",
            ]
    if said["terms"] is not None:
        lines += [f"<h2>{_word('terms', language)}</h2><table>"]
        lines += [
            *(_row(html.escape(key), value) for key, value in said["terms"].items()),
            "</table>",
        ]
    return framed(_word("title", language), _STYLE, "\n".join(lines), language)


_STYLE: Final = (
    "body{font:15px/1.6 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;"
    "margin:0 0 1em;width:100%}th,td{border:1px solid #888;padding:.3em .6em;text-align:left;"
    "overflow-wrap:anywhere}th{width:14em}"
)


def _row(name: str, value: Any) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<tr><th>{name}</th><td>{html.escape(said)}</td></tr>"


def _word(name: str, language: str) -> str:
    return html.escape(_WORDS[name][0 if language == "zh" else 1])
