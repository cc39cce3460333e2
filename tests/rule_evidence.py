"""What must be in what a rule story leaves behind: each check yields a sentence for what is not."""

from collections.abc import Callable, Iterator
from typing import Any

from rule_seen import Seen
from synthgate.crypto.passes import PassBody, verify_pass
from synthgate.crypto.tokens import user_token
from synthgate.effects.label import FIELDS, Label
from synthgate.effects.provider_code import parse
from synthgate.events.topics import DAY_MS
from synthgate.law import load

Missing = Iterator[str]
Evidence = Callable[[Seen], Missing]
"""Yields a sentence for everything that should be there and is not."""


def nothing_more(seen: Seen) -> Missing:
    """The decision says it all."""
    yield from ()


def holds(duty: str, **wanted: Any) -> Evidence:
    """The verdict of a duty in the entry records these facts."""

    def check(seen: Seen) -> Missing:
        facts = seen.facts(duty)
        for name, value in wanted.items():
            if facts[name] != value:
                yield f"{duty}'s verdict records {name}={facts[name]!r}, not {value!r}"

    return check


def news(**wanted: Any) -> Evidence:
    """Moderation's verdict records whose news it is."""

    def check(seen: Seen) -> Missing:
        said = seen.facts("moderation").get("news") or {}
        for name, value in wanted.items():
            if said.get(name, ...) != value:
                yield f"the verdict records news {name}={said.get(name)!r}, not {value!r}"

    return check


def library_named(seen: Seen) -> Missing:
    """Moderation's verdict names the library version it searched."""
    verdict = seen.verdict("moderation")
    if verdict["library"] is None or verdict["library"] != verdict["facts"]["library"]:
        yield "the verdict names no library version"


def read_from(duty: str, *topics: str) -> Evidence:
    """The verdict of a duty says how far these registries had been read."""

    def check(seen: Seen) -> Missing:
        for topic in topics:
            if topic not in seen.verdict(duty)["read"]:
                yield f"{duty}'s verdict does not say how far {topic} was read"

    return check


def both(*checks: Evidence) -> Evidence:
    """All of them."""

    def check(seen: Seen) -> Missing:
        for one in checks:
            yield from one(seen)

    return check


def no_object(seen: Seen) -> Missing:
    """Nothing may be served and nothing may follow."""
    if seen.last["objects"] or seen.last["label"] or seen.last["pass"]:
        yield "what was not released names objects, a label or a pass"


def carries_pass(seen: Seen) -> Missing:
    """What was released carries a pass that verifies."""
    decision = seen.last
    body: PassBody = verify_pass(
        seen.keys.pass_keys, decision["pass"] or "", now_ms=decision["decided_at"], use="serve",
        tenant=decision["tenant"], generation=decision["generation"],
    )  # fmt: skip
    if body.index != decision["receipt"]["index"]:
        yield "the pass names another entry"


def agreed(subject: str, grant: str) -> Evidence:
    """The verdict says on whose grant it rests."""

    def check(seen: Seen) -> Missing:
        used = seen.facts("consent")["grants_used"]
        if used != [[subject, grant]]:
            yield f"the verdict rests on {used}, not on {grant} of {subject}"

    return check


def by_guardian(seen: Seen) -> Missing:
    """Every grant recorded was given by a guardian."""
    if not all(grant["guardian"] for grant in seen.facts("consent")["grants"]):
        yield "a grant used for a child names no guardian"


def stands(standing: str) -> Evidence:
    """The verdict records how the user stands, and how far both registries had been read."""

    def check(seen: Seen) -> Missing:
        told = seen.facts("identity")["standing"]["standing"]
        if told != standing:
            yield f"the verdict records {told!r}"
        yield from read_from("identity", "facts.accounts", "standings")(seen)

    return check


def deletion_owed(subject: str, grant: str) -> Evidence:
    """DSP-14-4: a case of its own, and the platform was told to delete what was made of the person."""

    def check(seen: Seen) -> Missing:
        case = f"deletion/demo/{subject}/{grant}"
        if not any(row["case"] == case and row["status"] == "owed" for row in seen.rows["cases"]):
            yield "no case of the deletion"
        told = [(row["kind"], row["rule"]) for row in seen.rows["work"] if row["case"] == case]
        if set(told) != {("template_deletion.due", "DSP-14-4")}:
            yield f"work of the deletion: {told}"

    return check


def taken_back(subject: str) -> Evidence:
    """The verdict records that the only grant there was is revoked."""

    def check(seen: Seen) -> Missing:
        grants = [row for row in seen.facts("consent")["grants"] if row["subject"] == subject]
        if [grant["revoked"] for grant in grants] != [True]:
            yield f"the verdict records the grants {grants}"

    return check


def reviewed(part: str, *, risks: bool) -> Evidence:
    """A part of the event was searched with a library version, and hits are recorded without words."""

    def check(seen: Seen) -> Missing:
        verdict = seen.verdict("moderation")
        facts = verdict["facts"]
        if part not in facts["parts"]:
            yield f"{part} was not reviewed"
        if facts["library"] is None or verdict.get("library") != facts["library"]:
            yield "the verdict names no library version"
        if bool(facts["risks"]) != risks:
            yield f"risks recorded: {facts['risks']}"

    return check


def enveloped(seen: Seen) -> Missing:
    """DSP-16-2: seven fields beside the text, in the decision, and the number in the log."""
    label = seen.last["label"]
    if list(label) != list(FIELDS):
        yield f"the decision's label has the fields {list(label)}"
    if seen.served().label.row() != label:
        yield "the envelope holds another label than the decision"
    if seen.entry().header["produce_id"] != label["ProduceID"]:
        yield "the log header does not hold the produce id"


def found_by_number(*acts: str) -> Evidence:
    """DSP-16-3: no two of these share a number, and each leads to its entry, user, model and time."""

    def check(seen: Seen) -> Missing:
        numbers = [seen.act(name)["label"]["ProduceID"] for name in acts]
        if len(set(numbers)) != len(acts):
            yield "two completions share a produce id"
        token = user_token(seen.keys.token_key, seen.last["tenant"], seen.user)
        for name, number in zip(acts, numbers, strict=True):
            rows = [row for row in seen.numbered(number) if row["type"] == "generation.completed"]
            if [row["index"] for row in rows] != [seen.act(name)["receipt"]["index"]]:
                yield f"{number} leads to entries {[row['index'] for row in rows]}"
                continue
            event = seen.passage(seen.act(name)).event
            if seen.act(name)["user"] != token or event.user != seen.user:
                yield f"{number} does not lead to the user"
            if not event.generation.get("model") or rows[0]["event_time"] != event.time_ms:
                yield f"{number} does not lead to model and time"

    return check


def says_so(act: str) -> Evidence:
    """DSP-17-1: people see the sentence at the start of what is served; the verdict says where."""

    def check(seen: Seen) -> Missing:
        sentence = seen.settings.label_text
        if seen.served(seen.act(act)).data.decode().split("\n")[0] != sentence:
            yield "the text served does not begin with the label"
        carried = seen.verdict("labelling", seen.act(act))["carried"]
        if (carried["explicit"] or {}).get("text") != sentence or not carried["readback_ok"]:
            yield "the verdict does not record the label as read back"

    return check


def annex_e(seen: Seen) -> Missing:
    """GB-E-1: seven strings of Annex E."""
    faults = Label.of(seen.last["label"]).faults()
    if faults or seen.last["label"]["Label"] != "1":
        yield f"fields that break Annex E: {faults}"


def first_write(seen: Seen) -> Missing:
    """GB-E-3: the producer stands in both places."""
    label = seen.last["label"]
    if (label["ContentPropagator"], label["PropagateID"]) != (
        label["ContentProducer"], label["ProduceID"],
    ):  # fmt: skip
        yield "propagator and producer differ on the first write"


def our_code(seen: Seen) -> Missing:
    """GB-E-4: the configured provider code, which is valid."""
    code = parse(seen.settings.provider_code, sample_allowed=True)
    if seen.last["label"]["ContentProducer"] != code.text:
        yield "the label names another producer than the setting"


def log_row(seen: Seen) -> Missing:
    """DSP-10-10: account, time, operation, addresses, port and fingerprint, none of them empty."""
    entry, event = seen.entry(), seen.passage().event
    for name in load().at(event.time_ms).policy.identity.net_required:
        if not event.net.get(name):
            yield f"the entry lacks {name}"
    header = entry.header
    if not (header["event_time"] and header["recorded_at"] and header["type"] == event.type):
        yield "the header lacks time or operation"
    if event.user != seen.user or not seen.last["user"]:
        yield "the entry lacks the account"
    if (event.prompt or "").encode() in seen.segment():
        yield "the prompt stands in clear in the segment"


def names_missing(*fields: str) -> Evidence:
    """DSP-10-10: every missing field is named at once."""

    def check(seen: Seen) -> Missing:
        places = {reason.get("where") for reason in seen.last["reasons"]}
        if places != {f"/net/{name}" for name in fields}:
            yield f"named as missing: {places}"

    return check


def kept(days: int) -> Evidence:
    """CSL-23-1: the entry is there, as receipted, and stays so long."""

    def check(seen: Seen) -> Missing:
        entry = seen.entry()
        if entry.hash != seen.last["receipt"]["hash"]:
            yield "the receipt is of another entry"
        span = entry.header["keep_until"] - entry.header["recorded_at"]
        if span < days * DAY_MS:
            yield f"kept for {span / DAY_MS} days only"

    return check


def case_opened(seen: Seen) -> Missing:
    """DSP-10-6: stopped, recorded, and a case opened once, with what it rests on."""
    case = seen.case()
    if case is None:
        yield "no case was opened"
        return
    if "DSP-10-6" not in case["rules"]:
        yield f"the case rests on {case['rules']}"
    if case["receipt"] != seen.last["receipt"] or not case["detail"]["risks"]:
        yield "the case names neither entry nor risk"


def warned(seen: Seen) -> Missing:
    """DSP-10-7: a warning at least, a notice that names the way to appeal, and the case says why."""
    rows = seen.held_against("standings")
    if [row["standing"] for row in rows] != ["warned"]:
        yield f"standings: {[row['standing'] for row in rows]}"
    elif rows[0]["causes"] != [seen.last["decision"]]:
        yield f"the warning rests on {rows[0]['causes']}"
    notices = {row["id"]: row for row in seen.notices() if row["kind"] == "notice.due"}
    if [row["rule"] for row in notices.values()] != ["DSP-10-7"]:
        yield f"notices: {list(notices)}"
    for row in notices.values():
        if "appeal" not in row["text"]["en"] or "申诉" not in row["text"]["zh"]:
            yield "the notice does not name the way to appeal"
    if "DSP-10-7" not in (seen.case() or {"rules": ()})["rules"]:
        yield "the case does not say that a user is at fault"


def nothing_held(seen: Seen) -> Missing:
    """No case, no warning, no notice."""
    if seen.case() or seen.held_against("standings") or seen.notices():
        yield "something is held against a lawful act"


def terms_in_force(seen: Seen) -> Missing:
    """DSP-8-1, 8-2: version and hash of the terms, and when the user accepted them."""
    facts = seen.facts("identity")
    version, sha256, _, in_time = facts["terms"] or (None, None, None, False)
    if not (version and sha256 and in_time and facts["accepted_at"]):
        yield f"the verdict records the terms as {facts['terms']}, accepted {facts['accepted_at']}"


def vouched(**wanted: Any) -> Evidence:
    """The verdict records how the user was verified, by whom, and where the proof lies."""

    def check(seen: Seen) -> Missing:
        held = seen.facts("identity")["verification"] or {}
        told = {name: held.get(name) for name in wanted}
        if told != wanted or not held.get("evidence_ref"):
            yield f"the verdict records the verification as {held}"

    return check


def verified_since(seen: Seen) -> Missing:
    """DSP-9-6: the flag, and a verification after it."""
    facts = seen.facts("identity")
    if not facts["flagged_at"] or facts["verification"]["at"] <= facts["flagged_at"]:
        yield f"flagged at {facts['flagged_at']}, verified {facts['verification']}"


def template_says(**wanted: Any) -> Evidence:
    """The verdict records these of the template; what is nothing out of the ordinary is left out."""

    def check(seen: Seen) -> Missing:
        template = seen.facts("consent")["template"]
        if {name: template.get(name) for name in wanted} != wanted:
            yield f"the verdict records the template as {template}"

    return check


def engaged(name: str) -> Evidence:
    """NDR-12-1: who gets the data, and since when there is a contract."""

    def check(seen: Seen) -> Missing:
        held = {each[0]: each[1] for each in seen.facts("consent")["template"]["processors"]}
        if not held.get(name):
            yield f"the verdict records the processors {held}"

    return check
