"""Where generated files are taken from: nothing outside a tenant's folder, nothing but what was named."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgate.effects.sources import SourceError, Sources
from synthgate.step import Waiting

DATA = b"a picture"


def row(name="a.png", data=DATA, **over):
    named = {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    return named | over


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "acme"
    (made / "deep" / "er").mkdir(parents=True)
    for name in ("a.png", "deep/er/图 1.png"):
        (made / name).write_bytes(DATA)
    (tmp_path / "secret").write_bytes(DATA)
    return made


@pytest.fixture
def sources(folder):
    return Sources({"acme": folder}, 1000)


def fault(sources, named, tenant="acme"):
    """The code of check and read, which agree."""
    codes = []
    for do in (sources.check, sources.read):
        with pytest.raises(SourceError) as caught:
            do(tenant, named)
        codes.append(caught.value.code)
    assert codes[0] == codes[1]
    return codes[0]


@pytest.mark.parametrize("name", ["a.png", "deep/er/图 1.png"])
def test_a_file_as_it_was_named_is_read(sources, name):
    sources.check("acme", row(name))
    assert sources.read("acme", row(name)) == DATA


@pytest.mark.parametrize(
    "name",
    ["/a.png", "../secret", "deep/../a.png", "./a.png", "deep//er", "a.png/", "a\x00", "a\npng", "x" * 256,
     "/".join(["d"] * 17), "..", "deep/er/../../../secret", "\u202ea.png"],
)  # fmt: skip
def test_a_name_that_does_not_lead_down_is_refused(sources, name):
    assert fault(sources, row(name)) == "source_name"


def test_what_is_not_there_or_another_tenants_is_refused(sources):
    assert fault(sources, row("none.png")) == "source_missing"
    assert fault(sources, row("a.png/b")) == "source_missing"
    assert fault(sources, row(), "other") == "source_unlisted"


def test_no_link_leads_out(sources, folder, tmp_path):
    (folder / "l").symlink_to(tmp_path / "secret")
    (folder / "inside").symlink_to(folder / "a.png")
    (folder / "d").symlink_to(tmp_path)
    assert fault(sources, row("l")) == "source_link"
    assert fault(sources, row("inside")) == "source_link"
    assert fault(sources, row("d/secret")) == "source_missing"


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "mount").symlink_to(folder)
    assert Sources({"acme": tmp_path / "mount"}, 1000).read("acme", row()) == DATA


def test_folders_pipes_and_devices_are_no_files_and_nobody_waits_for_them(sources, folder):
    os.mkfifo(folder / "pipe")
    assert fault(sources, row("pipe")) == "source_not_a_file"
    assert fault(sources, row("deep")) == "source_not_a_file"


def test_size_and_hash_must_be_what_was_named(sources, folder):
    assert fault(sources, row(size_bytes=8)) == "source_differs"
    assert fault(sources, row(size_bytes=10)) == "source_differs"
    assert fault(sources, row(size_bytes=1001)) == "source_too_large"
    other = row(sha256="0" * 64)
    sources.check("acme", other)
    with pytest.raises(SourceError, match="source_differs"):
        sources.read("acme", other)


def test_a_file_that_grows_while_it_is_read_is_another(sources, folder, monkeypatch):
    real = os.read

    def grow(descriptor, count):
        with (folder / "a.png").open("ab") as end:
            end.write(b"!")
        return real(descriptor, count)

    monkeypatch.setattr(os, "read", grow)
    with pytest.raises(SourceError, match="source_differs"):
        sources.read("acme", row())


def test_a_folder_that_is_away_is_waited_for(tmp_path):
    with pytest.raises(Waiting):
        Sources({"acme": tmp_path / "gone"}, 1000).check("acme", row())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.lists(st.sampled_from(["..", ".", "", "deep", "a.png", "secret", "d\u0000", "~", "*"])).map(
        "/".join
    )
)
def test_no_name_reads_anything_outside(sources, folder, name):
    try:
        sources.check("acme", row(name))
    except SourceError:
        return
    assert (Path(folder) / name).resolve().is_relative_to(folder)
