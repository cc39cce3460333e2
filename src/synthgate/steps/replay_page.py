"""The report of a replay as HTML, in Chinese or English, with charts: fixed words of ours, and its own figures.

One file without scripts or anything from elsewhere. Everything that is data is escaped; each bar has its
figure beside it.
"""

import html
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from synthgate.law import LawBook
from synthgate.page import framed

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("重放报告", "Report of a replay"),
    "depth": ("深度", "depth"),
    "decision": ("决定：以记录的事实重新裁定", "decision: decided again on the facts recorded"),
    "evidence": ("证据：重新收集事实", "evidence: the facts gathered again"),
    "over": ("范围", "over"),
    "logs": ("日志", "logs"),
    "from": ("自序号", "from entry"),
    "to": ("至序号（不含）", "to entry (not included)"),
    "origins": ("来源偏移量（末位不含）", "offsets of a source (the last not included)"),
    "time": ("事件时间", "events of this time"),
    "bundle": ("证据包（SHA-256）", "evidence bundle (SHA-256)"),
    "asked": ("证据包所问", "what the bundle was asked for"),
    "made": ("证据包的制作", "how the bundle was made"),
    "laws": ("所记录的法律条目版本（哈希）", "law sets recorded (hash)"),
    "duties": ("职责", "duties"),
    "candidate": ("候选法律条目（哈希）", "candidate law set (hash)"),
    "candidate_library": ("候选特征库版本", "candidate feature library"),
    "entries": ("条目数", "entries"),
    "verdicts": ("裁定数", "verdicts"),
    "equal": ("相同", "the same"),
    "different": ("不同", "different"),
    "not_checkable": ("无法复核", "not re-checkable"),
    "why": ("无法复核的原因（从不计为相同）", "Why some are not re-checkable; they never count as the same"),
    "flips": ("按规则统计的变化", "What flips, by rule"),
    "examples": ("不同之处举例", "Where they differ"),
    "given": ("现在给出", "now given"),
    "no longer given": ("不再给出", "no longer given"),
    "before": ("原裁定", "as recorded"),
    "after": ("新裁定", "as it would be"),
    "place": ("日志/序号", "log/entry"),
    "duty": ("职责", "duty"),
    "names": ("不同的字段", "members that differ"),
    "none": ("没有不同", "nothing differs"),
    "unverified": ("尚未与官方文本核对", "not compared with the official text"),
    "pass": ("通过", "pass"),
    "refuse": ("拒绝", "refuse"),
    "hold": ("暂缓", "hold"),
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
}  # fmt: skip
_HEAD: Final = (
    "depth", "duties", "candidate", "candidate_library", "entries", "verdicts", "equal", "different",
)  # fmt: skip
_COLOURS: Final = {"equal": "#2e7d4f", "different": "#b3261e", "not_checkable": "#8a8a8a"}
_STYLE: Final = (
    "body{font:15px/1.6 sans-serif;max-width:64em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:0 0 2em;width:100%}"
    "th,td{border:1px solid #888;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{font-weight:600}svg{display:block;width:100%;height:auto;margin:0 0 2em}"
)
_WIDTH: Final = 960
_NAMES_WIDTH: Final = 300
_LINE: Final = 26


def rules_named(report: Mapping[str, Any], books: Iterable[LawBook]) -> list[dict[str, Any]]:
    """The sentences of the rules that flip, of the first law set that has them."""
    wanted = list(dict.fromkeys(flip["rule"] for flip in report.get("flips", ())))
    found: dict[str, dict[str, Any]] = {}
    for book in books:
        for row in book.rows:
            for rule in row.rules:
                if rule in wanted and rule not in found:
                    found[rule] = {
                        "rule": rule, "cites": row.citation, "force": row.force.value,
                        "verified": row.verified, "zh": row.zh, "en": row.en,
                    }  # fmt: skip
    return [found[rule] for rule in wanted if rule in found]


def page(report: Mapping[str, Any], language: str) -> str:
    """The whole page in ``zh`` or ``en``. report: as `synthgate replay --json` prints it."""
    return framed(_word("title", language), _STYLE, "\n".join(_body(report, language)), language)


def _body(report: Mapping[str, Any], language: str) -> Iterator[str]:
    yield "<table>"
    for name in _HEAD:
        if name in report:
            said = report[name]
            said = ", ".join(_word(one, language) for one in _list(said))
            yield f"<tr><th>{_word(name, language)}</th><td>{said}</td></tr>"
    for name, what in report.get("over", {}).items():
        if what is not None:
            head = f"{_word('over', language)}: {_word(name, language)}"
            yield f"<tr><th>{head}</th><td>{html.escape(_told(what))}</td></tr>"
    for law, count in report.get("laws", {}).items():
        said = f"{html.escape(law)}: {count}"
        yield f"<tr><th>{_word('laws', language)}</th><td>{said}</td></tr>"
    yield "</table>"
    gone = sum(report["not_checkable"].values())
    shares = {"equal": report["equal"], "different": report["different"], "not_checkable": gone}
    bars = [(_word(name, language), count, _COLOURS[name]) for name, count in shares.items()]
    yield _chart(_word("verdicts", language), bars)
    if report["not_checkable"]:
        grey = _COLOURS["not_checkable"]
        yield f"<h2>{_word('why', language)}</h2>"
        why = [(html.escape(name), n, grey) for name, n in report["not_checkable"].items()]
        yield _chart(_word("why", language), why)
    if report.get("flips"):
        yield from _flips(report, language)
    if report["examples"]:
        yield from _examples(report["examples"], language)
    if not report["different"]:
        yield f"<p>{_word('none', language)}</p>"


def _flips(report: Mapping[str, Any], language: str) -> Iterator[str]:
    yield f"<h2>{_word('flips', language)}</h2>"
    red = _COLOURS["different"]
    bars = [
        (f"{html.escape(flip['rule'])} {_word(flip['now'], language)}", flip["verdicts"], red)
        for flip in report["flips"]
    ]
    yield _chart(_word("flips", language), bars)
    known = {row["rule"]: row for row in report["rules"]}
    for flip in report["flips"]:
        yield f"<h3>{html.escape(flip['rule'])} {_word(flip['now'], language)}</h3>"
        row = known.get(flip["rule"])
        if row is not None:
            checked = "" if row["verified"] else f" ({_word('unverified', language)})"
            yield (
                f"<p>{html.escape(row[language])} {html.escape(row['cites'])}"
                f" [{_word(row['force'], language)}]{checked}</p>"
            )
        yield "<ul>"
        for what, count in flip["outcomes"].items():
            before, _, after = what.partition(" to ")
            yield f"<li>{_word(before, language)} → {_word(after, language)}: {count}</li>"
        yield "</ul>\n<table>"
        yield _row("th", (_word(name, language) for name in ("place", "duty", "before", "after")))
        for one in flip["examples"]:
            both = (_codes(one[side], language) for side in ("before", "after"))
            duty = _word(one["duty"], language)
            yield _row("td", (html.escape(one["entry"]), duty, *both))
        yield "</table>"


def _examples(examples: Iterable[Mapping[str, Any]], language: str) -> Iterator[str]:
    yield f"<h2>{_word('examples', language)}</h2>\n<table>"
    yield _row("th", (_word(name, language) for name in ("place", "duty", "names")))
    for one in examples:
        names = html.escape(", ".join(one.get("fields") or one.get("facts") or ()))
        yield _row("td", (html.escape(one["entry"]), _word(one["duty"], language), names))
    yield "</table>"


def _chart(title: str, bars: list[tuple[str, int, str]]) -> str:
    """Horizontal bars. bars: name and colour (escaped already), figure."""
    most = max((count for _, count, _ in bars), default=0) or 1
    room = _WIDTH - _NAMES_WIDTH - 120
    lines = [
        f'<svg viewBox="0 0 {_WIDTH} {_LINE * len(bars) + 6}" role="img" aria-label="{title}"'
        ' font-size="14" font-family="sans-serif">'
    ]
    for at, (name, count, colour) in enumerate(bars):
        top = at * _LINE
        width = max(round(room * count / most), 1 if count else 0)
        lines.append(
            f'<text x="{_NAMES_WIDTH - 8}" y="{top + 18}" text-anchor="end">{name}</text>'
            f'<rect x="{_NAMES_WIDTH}" y="{top + 4}" width="{width}" height="18" fill="{colour}"/>'
            f'<text x="{_NAMES_WIDTH + width + 8}" y="{top + 18}">{count}</text>'
        )
    return "\n".join([*lines, "</svg>"])


def _codes(said: list[str], language: str) -> str:
    outcome, *codes = said
    return html.escape(" ".join([_plain(outcome, language), *codes]))


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _told(value: Any) -> str:
    """What a replay was over, as data."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    return ", ".join(_list(value))


def _list(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _word(name: str, language: str) -> str:
    return html.escape(_plain(name, language))


def _plain(name: str, language: str) -> str:
    both = _WORDS.get(name)
    return name if both is None else both[0 if language == "zh" else 1]
