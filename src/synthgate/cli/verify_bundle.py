"""``synthgate verify BUNDLE``: whether an evidence bundle is what its maker signed and what the log held."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import hex_key

_UNFIT: Final = (
    LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError, RecursionError,
)  # fmt: skip
"""What a report written by somebody who does not know how runs into."""

Printed = dict[str, bool | None]
"""By name of a PDF: whether it is the report's, None where nobody here can tell."""

if TYPE_CHECKING:
    from synthgate.ledger.bundle import Bundle
    from synthgate.ledger.bundle_check import BundleChecked


def verify(
    path: Path, public: bytes, private: Path | None, font: Path | None, *, as_json: bool
) -> int:
    """Print what was found; 0 whole, 1 not. font: to print the report again with, None: the extra's."""
    from synthgate.ledger.bundle import BundleDamaged, decode_bundle
    from synthgate.ledger.bundle_check import BundleChecked, check_bundle

    manifest: dict[str, Any] = {}
    notes: list[str] = []
    try:
        bundle = decode_bundle(unsealed(path.read_bytes(), private), public, str(path))
    except BundleDamaged as error:
        found = BundleChecked(faults=[str(error)])
    else:
        manifest = bundle.manifest
        found = check_bundle(bundle, public)
        if not found.faults:
            printed = _printed(bundle, font)
            found.faults = _said(bundle, found, printed)
            notes = [] if found.faults else list(_unproved(bundle, found, printed))
    asked, made = manifest.get("asked"), manifest.get("made")
    if as_json:
        row = {
            "whole": not found.faults, "entries": found.proved, "opened": found.opened, "asked": asked,
            "made": made, "notes": notes, "faults": found.faults,
        }  # fmt: skip
        print(json.dumps(row, ensure_ascii=False, indent=2))
    else:
        print(
            f"asked {json.dumps(asked, ensure_ascii=False)}, made {json.dumps(made, ensure_ascii=False)}"
        )
        print(
            f"{found.proved} entries lead to signed checkpoints; content of {found.opened} was opened"
        )
        for note in notes:
            print(f"  note: {note}")
        for fault in found.faults:
            print(f"  FAULT {fault}")
        print("NOT WHOLE" if found.faults else "whole")
    return 1 if found.faults else 0


def _unproved(bundle: "Bundle", found: "BundleChecked", printed: Printed) -> Iterator[str]:
    """What a whole bundle says that nothing here bears out: its maker's word."""
    from synthgate import __version__
    from synthgate.law import load as load_law

    shut = sum(one.header is not None and one.content is None for one in found.entries)
    gone = sum(one.header is None for one in found.entries)
    if shut:
        yield f"of {shut} entries only the clear headers were held against the report: no key to them is here"
    if gone:
        yield f"of {gone} entries only hash and place are proved: that they had expired is the maker's word"
    if bundle.manifest["made"]["version"] != __version__:
        yield f"pages and summary are by another version than this, {__version__}: not held against the rows"
    elif json.loads(bundle.files["report.json"])["laws"] not in ([], [load_law().hash]):
        yield "the rules are of a law set that is not here: their sentences are the maker's word"
    if "filing.json" in bundle.files:
        yield "filing.json and what is attached are the maker's word"
    if None in printed.values():
        yield "the PDFs were printed by other means than are here: read report.json or the HTML pages"
    if "case.json" in bundle.files:
        yield "case.json is the maker's word"


def unsealed(data: bytes, private: Path | None) -> bytes:
    """A bundle as it was before it was sealed. Raises CommandError."""
    from synthgate.crypto.seal import MAGIC, SealError, unseal
    from synthgate.ledger.bundle import SEAL_CONTEXT

    if not data.startswith(MAGIC):
        return data
    if private is None:
        raise CommandError("the bundle is sealed: --open gives the private key", CONFIGURATION)
    try:
        return unseal(hex_key(private), data, SEAL_CONTEXT)
    except SealError as error:
        raise CommandError(
            f"the bundle does not open with {private}: {error}", CONFIGURATION
        ) from None


def _said(bundle: "Bundle", found: "BundleChecked", printed: Printed) -> list[str]:
    """Where the report says other than the entries, and where its pages are not those of the report."""
    from synthgate import __version__
    from synthgate.cli.filing import disagreements
    from synthgate.steps import evidence, evidence_page

    try:
        report = json.loads(bundle.files["report.json"])
        rows = {(row["log"], row["index"]): row for row in report["rows"]}
        faults = []
        if len(rows) != len(report["rows"]) or rows.keys() != {
            (o.log, o.index) for o in found.entries
        }:
            faults.append("report.json: speaks of other entries than the bundle holds")
        for one in found.entries:
            row = rows.get((one.log, one.index))
            if row is None:
                continue
            if one.header is None:
                wrong = evidence.unfounded(row)
            else:
                wrong = evidence.disagreements(row, one.header, one.content)
            if wrong:
                faults.append(
                    f"report.json: entry {one.log}/{one.index} says otherwise: {', '.join(wrong)}"
                )
        if bundle.manifest["made"]["version"] == __version__:
            if "filing.json" in bundle.files:
                faults += disagreements(bundle.files)
            faults += _summed_up(bundle.manifest, report, found)
            for language in evidence.LANGUAGES:
                name = f"report.{language}.html"
                if bundle.files[name] != evidence_page.page(report, language).encode():
                    faults.append(f"{name}: is not the page of report.json")
            faults += [
                f"{name}: is not the page of {name.partition('.')[0]}.json"
                for name, same in printed.items()
                if same is False
            ]
    except _UNFIT as error:
        return [f"report.json: makes no sense: {error!r}"]
    return faults


def _printed(bundle: "Bundle", font: Path | None) -> Printed:
    """The bundle's PDFs: whether they are its pages as they print here; None where that cannot be said.

    Only the same font, tools and version print the same bytes.
    """
    from synthgate import __version__
    from synthgate.steps import evidence, evidence_page, filing

    makers = {"report": evidence_page.page, "filing": filing.page}
    names = {
        f"{kind}.{one}.pdf": (kind, one)
        for kind in makers
        for one in evidence.LANGUAGES
        if f"{kind}.{one}.pdf" in bundle.files
    }
    if not names:
        return {}
    from synthgate.printed.document import pdf
    from synthgate.printed.face import CannotPrint, find_face

    try:
        face = find_face(font)
        if (bundle.manifest["made"]["version"], bundle.manifest["printed"]) != (
            __version__, face.means(),
        ):  # fmt: skip
            return dict.fromkeys(names)
        said = {kind: json.loads(bundle.files[f"{kind}.json"]) for kind, _ in names.values()}
        return {
            name: bundle.files[name] == pdf(makers[kind](said[kind], one), face)
            for name, (kind, one) in names.items()
        }
    except (CannotPrint, *_UNFIT):
        return dict.fromkeys(names)


def _summed_up(
    manifest: dict[str, Any], report: dict[str, Any], found: "BundleChecked"
) -> Iterator[str]:
    """Where what stands over the rows, counts, sentences and rules, does not come of the rows."""
    from synthgate.law import load as load_law
    from synthgate.steps import evidence

    book = load_law()
    states = {(one.log, one.index): one.state for one in found.entries}
    gathered = evidence.Gathered(rows=report["rows"], states=states)
    again = evidence.report(manifest["asked"], gathered, book, manifest["made"])
    if report["laws"] != [book.hash]:  # sentences of a law set that is not here: ``_unproved``
        again["rules"] = report["rules"]
    wrong = sorted(
        name for name in {*again, *report} if name not in report or again.get(name) != report[name]
    )
    if wrong:
        yield f"report.json: does not come of its rows: {', '.join(wrong)}"
    if manifest["media"] != evidence.media(gathered):
        yield "manifest.json: media are not those of report.json"
