"""What must be in what a story of cases leaves behind: each check yields a sentence for what is not."""

from collections.abc import Callable, Iterator
from typing import Any

from rule_seen import Row, Seen
from synthgate.cases.calendar import after_working_days
from synthgate.cases.penalties import HOUR_MS

Missing = Iterator[str]
Evidence = Callable[[Seen], Missing]


def now(seen: Seen, case: str) -> Row | None:
    """A case as it is in the end."""
    rows = [row for row in seen.rows["cases"] if row["case"] == case]
    return max(rows, key=lambda row: row["version"], default=None)


def finding(seen: Seen, kind: str) -> Row | None:
    """The case a finding of this story opened."""
    return now(seen, f"{kind}/demo/{seen.user}")


def owed(seen: Seen, case: str) -> dict[str, Row]:
    return {row["id"]: row for row in seen.rows["work"] if row["case"] == case}


def stands_at(standing: str) -> Evidence:
    """The user stands there, and no appeal was opened."""

    def check(seen: Seen) -> Missing:
        rows = seen.held_against("standings")
        newest = max(rows, key=lambda row: row["version"], default={"standing": "ok"})
        if newest["standing"] != standing:
            yield f"the user is {newest['standing']}"

    return check


def suspended_for_inputs(seen: Seen) -> Missing:
    """DSP-10-8: at the third in a row, with a notice that says so."""
    yield from stands_at("suspended")(seen)
    told = [row for row in seen.notices() if row["rule"] == "DSP-10-8"]
    if [row["about"]["why"] for row in told] != ["inputs_in_a_row"]:
        yield f"notices under DSP-10-8: {len(told)}"


def no_work(seen: Seen) -> Missing:
    if seen.notices():
        yield "work is owed for a lawful act"


def removal_owed(seen: Seen) -> Missing:
    """GAI-14-1: the output is to be removed and fed to retraining."""
    told = [row for row in seen.notices() if row["kind"] == "takedown.due"]
    if [(row["rule"], row["about"]["retrain"]) for row in told] != [("GAI-14-1", True)]:
        yield f"removal owed: {told}"


def kept_up(side: str) -> Evidence:
    """Nothing is lacking, and each is due for review in a year."""

    def check(seen: Seen) -> Missing:
        row = now(seen, f"upkeep/demo/{seen.user}/{side}")
        if row is None:  # under another law: kept for the record
            row = now(seen, f"event/demo/{seen.user}")
            if row is None:
                yield f"nothing of {side} was kept"
        elif (row["status"], row["rules"], row["detail"]["lacks"]) != ("kept", [], []):
            yield f"upkeep of {side}: {row}"

    return check


def not_kept_up(side: str, rule: str, lacks: str) -> Evidence:
    """What is lacking is named under its rule and due soon."""

    def check(seen: Seen) -> Missing:
        row = now(seen, f"upkeep/demo/{seen.user}/{side}")
        if row is None or (row["status"], row["rules"], row["detail"]["lacks"]) != (
            "lacking",
            [rule],
            [lacks],
        ):
            yield f"upkeep of {side}: {row}"
            return
        due = [d["due_at"] for d in row["deadlines"] if d["id"] == f"review/{lacks}/0"]
        if [at - row["opened_at"] for at in due] != [24 * HOUR_MS]:
            yield f"due: {due}"

    return check


def filing_owed(what: str, rule: str, days: int) -> Evidence:
    """The case waits for a receipt within so many working days."""

    def check(seen: Seen) -> Missing:
        row = now(seen, f"filing/demo/{seen.user}/{what}")
        if row is None:
            yield f"no filing case: {what}"
            return
        at = row["opened_at"]
        due = after_working_days(at, days) if days else at
        clocks = [(d["id"], d["rule"], d["due_at"], d["internal"]) for d in row["deadlines"]]
        if row["rules"] != [rule] or clocks != [("file", rule, due, False)]:
            yield f"filing owed: {row['rules']} {clocks}"

    return check


def nothing_to_file(seen: Seen) -> Missing:
    """No filing case of whatever kind."""
    yield from (
        f"a filing is owed: {row['case']}"
        for row in seen.rows["cases"]
        if row["case"].startswith(f"filing/demo/{seen.user}/")
    )


def number_lacking(seen: Seen) -> Missing:
    """DSP-19-4: a number of another form was not seen."""
    row = now(seen, f"page/demo/{seen.user}/service")
    if row is None or (row["rules"], row["detail"]["lacks"]) != (["DSP-19-4"], ["number"]):
        yield f"page: {row}"


def no_case(kind: str) -> Evidence:
    def check(seen: Seen) -> Missing:
        opened = f"{kind}/demo/{seen.user}"
        if any(row["case"] in (opened, f"{opened}/service") for row in seen.rows["cases"]):
            yield f"a {kind} case was opened"
        if seen.rows["cases"] and now(seen, f"event/demo/{seen.user}") is None:
            yield "the record was not kept"

    return check


def work_owed(kind: str, rule: str, *kinds: str) -> Evidence:
    """The case is open and the platform was told what to do under the rule."""

    def check(seen: Seen) -> Missing:
        row = finding(seen, kind)
        if row is None:
            yield f"no {kind} case"
            return
        told = {w["kind"] for w in owed(seen, row["case"]).values() if w["rule"] == rule}
        if told != set(kinds):
            yield f"owed under {rule}: {sorted(told)}"

    return check


def clock(kind: str, rule: str, *, hours: int, internal: bool) -> Evidence:
    """The case has the rule's clock, and says whether it is law or our own target."""

    def check(seen: Seen) -> Missing:
        row = finding(seen, kind) or {"deadlines": [], "opened_at": 0}
        held = [d for d in row["deadlines"] if d["rule"] == rule and d["id"] == "report.sent"]
        told = [((d["due_at"] - row["opened_at"]) // 3_600_000, d["internal"]) for d in held]
        if told != [(hours, internal)]:
            yield f"clocks under {rule}: {told}"

    return check


def no_clock(seen: Seen) -> Missing:
    """The case is kept and nothing is due on it."""
    row = finding(seen, "incident")
    if row is None or row["deadlines"]:
        yield f"deadlines: {row and row['deadlines']}"


def graded(level: str) -> Evidence:
    def check(seen: Seen) -> Missing:
        row = finding(seen, "incident")
        told = row and row["detail"].get("graded", {}).get("level")
        if row is None or told != level or "INC-4-1" not in row["rules"]:
            yield f"graded {told}"

    return check


def rests_on(kind: str, rule: str) -> Evidence:
    def check(seen: Seen) -> Missing:
        row: Any = finding(seen, kind) or {"rules": []}
        if rule not in row["rules"]:
            yield f"the case rests on {row['rules']}"

    return check


def summary_owed(seen: Seen) -> Missing:
    """INC-8-1: thirty days from the end of handling."""
    row: Any = finding(seen, "incident") or {"deadlines": [], "timeline": []}
    closed = [one["at"] for one in row["timeline"] if one["type"] == "incident.closed"]
    due = [d["due_at"] for d in row["deadlines"] if d["rule"] == "INC-8-1"]
    if not closed or due != [closed[0] + 30 * 86_400_000]:
        yield f"summary due: {due}"


def no_notice(seen: Seen) -> Missing:
    if seen.notices():
        yield "a notice is owed for a lawful act"


def taken_up(seen: Seen) -> Missing:
    """DSP-12-2: a case with a limit, and an acknowledgement that names it."""
    rows = [
        r
        for r in seen.rows["cases"]
        if r["kind"] == "complaint" and r["cause"] == seen.last["decision"]
    ]
    if not rows or [d["rule"] for d in rows[0]["deadlines"]] != ["DSP-12-2"]:
        yield "no complaint case with a limit"
    if [row["rule"] for row in seen.notices()] != ["DSP-12-2"]:
        yield "the complaint was not acknowledged"


def nobody_asked(seen: Seen) -> Missing:
    if any(
        row["kind"] == "erasure" and row["user"] == seen.last["user"] for row in seen.rows["cases"]
    ):
        yield "a request to be erased that nobody made"


def to_be_forgotten(kind: str, rule: str) -> Evidence:
    """PIPL-47-1, GAI-11-1: a case open beyond the log's own period, and work under the rule."""

    def check(seen: Seen) -> Missing:
        row = now(seen, f"erasure/{seen.last['root']}")
        if row is None or row["state"] != "open" or rule not in row["rules"]:
            yield f"no open case of the request under {rule}"
            return
        (clock,) = row["deadlines"]
        if clock["due_at"] - row["opened_at"] < 184 * 86_400_000:
            yield "the case is due before the law lets the log go"
        told = {(one["kind"], one["rule"]) for one in owed(seen, row["case"]).values()}
        if (kind, rule) not in told:
            yield f"owed: {sorted(told)}"

    return check


def appeal_heard(seen: Seen) -> Missing:
    """DSP-12-3: a case of its own that names the penalty, and an acknowledgement."""
    row = now(seen, f"appeal/{seen.last['root']}")
    if row is None or row["status"] != "received" or not row["links"]["penalties"]:
        yield f"the appeal was not taken up: {row and row['status']}"
    if [told["rule"] for told in seen.notices()] != ["DSP-12-3"]:
        yield "the appeal was not acknowledged"


def nobody_told(seen: Seen) -> Missing:
    """As long as nobody knows whom it reached, nobody is told."""
    row = finding(seen, "rumour")
    if row is None or any(w["rule"] == "DSP-11-3" for w in owed(seen, row["case"]).values()):
        yield "somebody was told"


def reached_told(seen: Seen) -> Missing:
    """DSP-11-3: everyone it reached gets a notice, and the case counts them."""
    row: Any = finding(seen, "rumour") or {"case": "", "detail": {}}
    told = [w for w in owed(seen, row["case"]).values() if w["rule"] == "DSP-11-3"]
    if [len(w["about"]["recipients"]) for w in told] != [2]:
        yield f"notices to those reached: {len(told)}"
    if row["detail"].get("reached") != {"0": 2}:
        yield f"the case counts {row['detail'].get('reached')}"
