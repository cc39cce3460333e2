import ast
import re
from pathlib import Path

import pytest

import synthgate
from synthgate.law import LawError, load, reasons

SOURCE = Path(synthgate.__file__).parent
TEXTS = reasons.texts()


PLACES = {
    "fault": 1,
    "reason": 1,
    "Reason": 3,
    "Malformed": 0,
    "stub": 2,
    "stub_event": 0,
    "refused": 3,
}
"""Where a call holds its code."""


def codes_in(source):
    """Codes given to the calls above, written as a finding ({"code": ...}), or yielded as (code, where)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in PLACES:
                found += node.args[PLACES[name] : PLACES[name] + 1]
                found += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif isinstance(node, ast.Dict):
            found += [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "code"
            ]
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            found += node.value.elts[:1]
    leaves = [leaf for node in found for leaf in choices(node)]
    texts = {leaf.value for leaf in leaves if isinstance(leaf, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and text.isidentifier()}


def choices(node):
    """What an argument may evaluate to: both arms of a conditional, all of an ``or``."""
    if isinstance(node, ast.IfExp):
        return [*choices(node.body), *choices(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [leaf for value in node.values for leaf in choices(value)]
    return [node]


def test_the_reading_finds_codes():
    source = """
law.fault("DSP-9-1", "first", where)
yield from law.fault(rule, "second" if bad else "third")
law.reason("DSP-9-1", code="fourth")
raise Malformed("fifth", "detail")
law.fault(rule, variable)
other("DSP-9-1", "not_a_code")
Reason(rule, article, force, "sixth")
found.append({"code": "seventh", "where": "key"})
def f():
    yield "eighth", "user"
quarantine.stub(work, passage, "ninth", detail, data)
"""
    assert codes_in(source) == {
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.relative_to(SOURCE).as_posix()
)
def test_every_code_used_has_its_texts(path):
    missing = codes_in(path.read_text(encoding="utf-8")) - set(TEXTS)
    assert not missing, f"add to law/reasons.toml: {sorted(missing)}"


def test_chinese_is_chinese_and_english_is_not():
    han = re.compile(r"[一-鿿]")
    for code, entry in TEXTS.items():
        for chinese in (entry.zh, entry.mend_zh):
            assert han.search(chinese), code
            assert chinese.endswith("。"), code
        for english in (entry.en, entry.mend_en):
            assert not han.search(english), code
            assert english.endswith("."), code


def test_the_network_fields_a_person_must_mend_are_all_named():
    for field in load().policy.identity.net_required:
        assert f"net.{field}" in reasons.mend("network_fields_missing", "en")
        assert f"net.{field}" in reasons.mend("network_fields_missing", "zh")


def test_texts_by_language_and_unknown_codes():
    assert reasons.text("no_pass", "zh") == TEXTS["no_pass"].zh
    assert reasons.mend("no_pass", "en") == TEXTS["no_pass"].mend_en
    assert reasons.text("never_heard_of") == "never_heard_of"
    assert reasons.mend("never_heard_of") == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[clock]\nen = "Late."\n', r"clock: zh"),
        ('[clock]\nen="Late."\nzh="迟到了。"\nmend_en="Wait."\nmend_zh="请等待。"\nmood="x"', "clock: mood"),
        ('["No pass"]\nen="Late."\nzh="迟到了。"\nmend_en="Wait."\nmend_zh="请等待。"', "'No pass'"),
        ('clock = "late"', "clock"),
    ],
)  # fmt: skip
def test_faults_are_refused_by_code(tmp_path, text, message):
    path = tmp_path / "reasons.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LawError, match=message):
        reasons.texts(path)
