"""The bill of materials is valid CycloneDX and whole; a licence that reaches over, or none, is found."""

import json
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli_commands import run
from synthgate.cli import installed

Capture = pytest.CaptureFixture[str]


def made(folder: Path, name: str, *fields: str) -> Distribution:
    """A distribution with this metadata."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    rows = ("Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0+a/b", *fields)
    (info / "METADATA").write_text("\n".join(rows) + "\n")
    return Distribution.at(info)


def test_the_bill_is_valid_and_names_everything(capsys: Capture) -> None:
    code, said, _ = run(capsys, "sbom")
    assert code == 0
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said) is None
    bill = json.loads(said)
    rows = {row["name"]: row for row in bill["components"]}
    here = {canonicalize_name(one.name) for one in distributions()}
    assert rows.keys() == here - {"synthgate"}
    assert bill["metadata"]["component"]["name"] == "synthgate"
    assert rows["aiokafka"]["scope"] == "required"
    assert rows["pytest"]["scope"] == "optional"
    refs = {row["bom-ref"] for row in (*bill["components"], bill["metadata"]["component"])}
    edges = {row["ref"]: row["dependsOn"] for row in bill["dependencies"]}
    assert edges.keys() == refs and refs.issuperset(one for row in edges.values() for one in row)
    assert rows["aiokafka"]["bom-ref"] in edges[bill["metadata"]["component"]["bom-ref"]]
    assert run(capsys, "sbom")[1] == said, "the same environment, other bytes"


def test_a_bill_that_is_wrong_would_be_found(capsys: Capture) -> None:
    bill = json.loads(run(capsys, "sbom")[1])
    bill["components"][0]["scope"] = "perhaps"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None


def test_everything_required_has_a_licence_we_can_deliver(capsys: Capture) -> None:
    code, said, _ = run(capsys, "licences")
    assert code == 0, said
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert lines["synthgate"].endswith(" Apache-2.0")
    assert "LGPL" in lines["python-stdnum"]
    own = {Requirement(row) for row in installed.required()[0]["synthgate"].requires or ()}
    base = {one.name for one in own if one.marker is None}
    assert {canonicalize_name(name) for name in base} <= lines.keys()
    assert "pytest" not in lines
    assert "pytest" in run(capsys, "licences", "--all")[1]


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ("License-Expression: MIT", None),
        ("License-Expression: AGPL-3.0-only", "is under the GPL or AGPL"),
        ("License: GPL", "is under the GPL or AGPL"),
        ("Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
         "is under the GPL or AGPL"),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3",
         "is under the GPL or AGPL"),
        ("Classifier: License :: OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)",
         None),
        ("License-Expression: LGPL-2.1-or-later", None),
        ("License: UNKNOWN", "states no licence"),
        ("License: Copyright (c) 2020, somebody", "states no licence"),
        ("Classifier: License :: OSI Approved", "states no licence"),
        ("Summary: none", "states no licence"),
    ],
)  # fmt: skip
def test_what_a_person_should_look_at(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, field: str, fault: str | None
) -> None:
    one = made(tmp_path, "theirs", field)
    assert list(installed.faults(one)) == ([] if fault is None else [fault])
    ours = made(tmp_path, "synthgate", "License-Expression: MIT", "Requires-Dist: theirs")
    known = {"theirs": one, "synthgate": ours}
    monkeypatch.setattr(installed, "distribution", known.__getitem__)
    code, said, _ = run(capsys, "licences")
    assert code == (0 if fault is None else 1)
    assert (f"!! theirs: {fault}" in said) == (fault is not None)


def test_what_is_not_installed_is_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = made(
        tmp_path, "synthgate", "License-Expression: MIT", "Requires-Dist: nowhere-to-be-found",
        'Requires-Dist: not-here; python_version < "3"', 'Requires-Dist: more; extra == "more"',
    )  # fmt: skip
    whole = installed.distribution

    def found(name: str) -> Distribution:
        return ours if name == "synthgate" else whole(name)

    monkeypatch.setattr(installed, "distribution", found)
    code, said, _ = run(capsys, "licences")
    assert code == 1
    assert said.splitlines()[1:] == ["!! nowhere-to-be-found: is required and not installed"]
