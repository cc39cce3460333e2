"""What a person sees of a task: words around hits, people's numbers blotted, nothing that moves a cursor."""

import pytest

from acts import event
from synthgate.desk.preview import AROUND, BLOT, PIECES_MAX, WORDS_MAX, preview


def hit(part, start, end):
    return {"part": part, "start": start, "end": end}


def ask(prompt, **content):
    return event("generation.requested", {"prompt": prompt} | content)


def test_the_words_around_each_hit_and_no_more():
    prompt = "前" * 200 + "稳赚不赔" + "后" * 200
    (line,) = preview(ask(prompt), {"hits": [hit("prompt", 200, 204)]})
    assert line == f"prompt[160:244]: …{'前' * AROUND}稳赚不赔{'后' * AROUND}…"


def test_near_hits_are_shown_once_and_a_stream_from_what_was_shown():
    made = event("generation.segment", {"text": "洛因", "shown": "买海"})
    facts = {"hits": [hit("shown+text", 1, 4), hit("shown+text", 2, 3)]}
    assert preview(made, facts) == ["shown+text[0:4]: 买海洛因"]


def test_without_hits_the_beginning_and_the_files():
    made = ask("写" * 300, objects=[{"media_type": "image/png", "size_bytes": 5, "sha256": "ab"}])
    first, second = preview(made, {})
    assert first == f"prompt: {'写' * WORDS_MAX}…"
    assert second == "file 0: image/png, 5 bytes, sha256 ab"
    assert preview(made, {}, full=True)[0] == f"prompt: {'写' * 300}"


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("打 13912345678 找我", "13912345678"),
        ("打１３９１２３４５６７８找我", "１３９１２３４５６７８"),
        ("身份证11010519491231002X的人", "11010519491231002X"),
        ("card 6222 0200 0000 0000 000 ok", "6222 0200 0000 0000 000"),
        ("mail li.wei+x@example.com now", "li.wei+x@example.com"),
    ],
)
def test_peoples_numbers_and_addresses_are_blotted(words, gone):
    for full in (False, True):
        (line,) = preview(ask(words), {}, full=full)
        assert gone not in line and BLOT in line


def test_nothing_moves_the_terminal():
    (line,) = preview(ask("a\x1b[2Jb\u202ec\nd"), {})
    assert line == "prompt: a·[2Jb·c·d"


def test_many_hits_are_bounded_and_a_hit_of_a_part_that_is_gone_is_passed_over():
    prompt = ("x" * 200 + "坏") * 40
    hits = [hit("prompt", at * 201 + 200, at * 201 + 201) for at in range(40)]
    assert len(preview(ask(prompt), {"hits": hits})) == PIECES_MAX
    assert preview(ask("好"), {"hits": [hit("more/0", 0, 1)]}) == ["prompt: 好"]
