"""Lists as files: CSV, JSON Lines, hash lists and TOML as the sample is, read whole or not at all.

A file that holds one bad row gives no row: every fault is named with its line and field, and nothing is
half-loaded.
Hash lists are one PDQ hash a line (``hash`` or ``hash,note``), or JSON Lines of ThreatExchange descriptors
(``raw_indicator`` and ``type``). TOML has ``[[entry]]`` tables, and ``[defaults]`` for fields they leave out;
it is read, not written, and its faults bear the number of the entry.
"""

import csv
import io
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from synthgate.events.facts import FeatureRow
from synthgate.library.entries import PART_MARK, address, switches
from synthgate.library.reading import normal

FIELDS: Final = tuple(name for name in FeatureRow.model_fields if name not in ("v", "version"))
"""Columns of a list. Versions of rows are given when they are sent."""
_NUMBERS: Final = frozenset(
    ("severity", "from_version", "to_version", "gap", "percent", "distance")
)
BYTES_MAX: Final = 512 << 20
ROWS_MAX: Final = 2_000_000
FAULTS_TOLD_MAX: Final = 20
_PDQ_DIGITS: Final = 64
_HASH_TYPES: Final = ("HASH_PDQ", "PDQ", "PDQ_HASH")

_Numbered = Iterable[tuple[int, Mapping[str, Any] | str]]
"""Line and what stands there; a string says why nothing can be read."""


class LibraryFileError(Exception):
    """A list that cannot be taken. ``faults``: one line each: file, line, field, what and how to mend it."""

    def __init__(self, faults: list[str], more: int = 0) -> None:
        self.faults = faults
        rest = len(faults) - 1 + more
        also = f" (and {rest} more such rows)" if rest else ""
        super().__init__(f"{faults[0]}{also}; nothing was loaded")


def read_rows(path: Path, defaults: Mapping[str, Any] | None = None) -> list[FeatureRow]:
    """All entries of a list, in its order. ``defaults``: fields for rows that do not say.

    Raises:
        LibraryFileError: a row is bad or stands there twice, or the file cannot be read as what it is called.
        OSError: the file is not there.
    """
    if path.stat().st_size > BYTES_MAX:
        raise LibraryFileError([f"{path}: larger than {BYTES_MAX >> 20} MiB; split the list"])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise LibraryFileError([f"{path}:{line}: not UTF-8; save the list as UTF-8"]) from None
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        names = ", ".join(_READERS)
        raise LibraryFileError([f"{path}: a list is one of {names} by its name's ending"])
    rows: list[FeatureRow] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    count = 0
    for line, fields in reader(text):
        made = fields if isinstance(fields, str) else _row({**(defaults or {}), **fields})
        if isinstance(made, FeatureRow) and made.entry in seen:
            made = (
                f"entry: {made.entry} stands in line {seen[made.entry]} already; give it another id"
            )
        if isinstance(made, str):
            count += 1
            if len(faults) < FAULTS_TOLD_MAX:
                faults.append(f"{path}:{line}: {made}")
        else:
            seen[made.entry] = line
            rows.append(made)
        if len(rows) > ROWS_MAX:
            raise LibraryFileError([f"{path}:{line}: more than {ROWS_MAX:,} rows; split the list"])
    if faults:
        raise LibraryFileError(faults, count - len(faults))
    return rows


def _row(fields: Mapping[str, Any]) -> FeatureRow | str:
    unknown = sorted(str(name) for name in fields if name not in FIELDS and name != "version")
    if unknown:
        return f"{unknown[0]}: no field of an entry; fields are {', '.join(FIELDS)}"
    try:
        row = FeatureRow.model_validate({"version": 0, **fields})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "/".join(map(str, fault["loc"])) or "row"
        return f"{where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
    return fault_in(row) or row


def fault_in(row: FeatureRow) -> str | None:
    """What is wrong with an entry beyond its shape; None if it can be put in force."""
    if row.proposed_by == row.approved_by:
        return "approved_by: the person who proposed it; another one must approve (DSP 10 ¶2)"
    if row.to_version is not None and row.to_version <= row.from_version:
        return "to_version: not after from_version, so it is never in force"
    if row.kind in ("allow", "list"):
        return _fault_in_mild(row)
    if row.risk is None:
        return "risk: missing; name one of the 31 risks (A.1a ... A.5b)"
    return _fault_in_value(row)


def _fault_in_mild(row: FeatureRow) -> str | None:
    if row.kind == "allow" and not normal(row.value):
        return "value: nothing in it can be seen"
    if row.kind == "list" and not switches(row.value) and row.value != "none":
        return "value: names no disguise; say `none` to see through none"
    return None


def _fault_in_value(row: FeatureRow) -> str | None:
    if row.kind == "regex":
        from synthgate.library.patterns import fault_in as pattern_fault

        fault = pattern_fault(row.value)
        return None if fault is None else f"value: {fault} (RE2 syntax)"
    if row.kind == "pdq":
        digits = row.value.lower()
        good = len(digits) == _PDQ_DIGITS and set(digits) <= set("0123456789abcdef")
        return None if good else f"value: not a PDQ hash of {_PDQ_DIGITS} hexadecimal digits"
    if row.kind == "phrase":
        parts = [normal(part) for part in row.value.split(PART_MARK)]
        good = len(parts) > 1 and all(parts)
        return None if good else f"value: a phrase has two parts or more with {PART_MARK} between"
    if row.kind in ("url", "domain"):
        return None if address(row.value) else "value: no address such as example.com"
    return None if normal(row.value) else "value: nothing in it can be seen"


def _csv(text: str) -> _Numbered:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(reader, None)
        if not names:
            yield 1, "no header; the first line names the fields"
            return
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            yield 1, f"{twice[0]}: stands in the header twice"
            return
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                yield reader.line_num, f"{len(cells)} cells and {len(names)} fields in the header"
                continue
            yield reader.line_num, _numbers(dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        yield reader.line_num, f"no CSV: {error}"


def _numbers(cells: Mapping[str, str]) -> Mapping[str, Any] | str:
    """Empty cells say nothing; numbers are numbers."""
    fields: dict[str, Any] = {name: cell for name, cell in cells.items() if cell != ""}
    for name in _NUMBERS & fields.keys():
        try:
            fields[name] = int(fields[name])
        except ValueError:
            return f"{name}: not a whole number"
    return fields


def _json_lines(text: str) -> _Numbered:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            yield number, f"no JSON object: {error}"
            continue
        if not isinstance(found, dict):
            yield number, "no JSON object"
        elif "raw_indicator" in found:
            yield number, _descriptor(found)
        else:
            yield number, {name: value for name, value in found.items() if value is not None}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _descriptor(found: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """A ThreatExchange descriptor: what is shared of it is the hash."""
    kind = str(found.get("type", ""))
    if kind.upper() not in _HASH_TYPES:
        return f"type: {kind or 'missing'} is not searched for; {_HASH_TYPES[0]} is"
    digits = str(found["raw_indicator"]).lower()
    named = {"source": f"threatexchange {found['id']}"} if isinstance(found.get("id"), str) else {}
    return {"entry": f"pdq-{digits}", "kind": "pdq", "value": digits, **named}


def _hashes(text: str) -> _Numbered:
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.partition("#")[0].strip()
        if bare:
            digits, _, note = bare.partition(",")
            digits = digits.strip().lower()
            named = {"source": note.strip()[:256]} if note.strip() else {}
            yield number, {"entry": f"pdq-{digits}", "kind": "pdq", "value": digits, **named}


def _tables(text: str) -> _Numbered:
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        yield 1, f"no TOML: {error}"
        return
    defaults, entries = found.get("defaults", {}), found.get("entry")
    if not isinstance(defaults, dict) or not isinstance(entries, list):
        yield 1, "no list: its entries are [[entry]] tables"
        return
    for number, entry in enumerate(entries, 1):
        yield number, {**defaults, **entry} if isinstance(entry, dict) else "no table"


_READERS: Final = {".csv": _csv, ".jsonl": _json_lines, ".txt": _hashes, ".toml": _tables}
_WRITTEN: Final = (".csv", ".jsonl", ".txt")


def written(rows: Iterable[FeatureRow], ending: str) -> Iterator[str]:
    """A list as text, line by line. ``ending``: ``.csv``, ``.jsonl`` or ``.txt`` (its PDQ hashes alone).

    Raises:
        LibraryFileError: no such ending.
    """
    if ending == ".txt":
        yield from (f"{row.value}\n" for row in rows if row.kind == "pdq")
    elif ending == ".jsonl":
        for row in rows:
            fields = row.model_dump(mode="json", include=set(FIELDS), exclude_defaults=True)
            yield json.dumps(fields, ensure_ascii=False) + "\n"
    elif ending == ".csv":
        yield from _csv_lines(rows)
    else:
        raise LibraryFileError([f"{ending or 'no ending'}: a list ends in {', '.join(_WRITTEN)}"])


def _csv_lines(rows: Iterable[FeatureRow]) -> Iterator[str]:
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\n")
    for cells in (FIELDS, *(_cells(row) for row in rows)):
        writer.writerow(cells)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _cells(row: FeatureRow) -> tuple[object, ...]:
    return tuple("" if getattr(row, name) is None else getattr(row, name) for name in FIELDS)
