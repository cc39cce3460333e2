"""A made-up library over all 31 risks, and evasions of it.

Entries are put together by chance from neutral words: nobody chose the ones that are tested. No entry means
anything; what matters is how it is written.
"""

import random
from collections.abc import Callable, Iterator
from itertools import combinations

from synthgate.events.facts import FeatureRow
from synthgate.law.policy import RISKS
from synthgate.library.letters import spelling, splits, traditional


def _words(line: str) -> list[str]:
    return line.split()


DOING = _words(
    "代购 贩卖 收集 转让 出租 私运 伪造 拆解 炮制 购买 散布 偷换 篡改 囤积 倒卖 破坏 煽动 抢夺 诈取 "
    "操纵 披露 仿制 窃取 夹带 改装 提炼 调配 借出 冒领 套取 销毁 埋设 投放 泄露 拼装 围堵 哄抬 虚构 "
    "挪用 截留 勒索 隐匿 强占 骗取 赌博 洗刷 吹捧 种植 "
)
THINGS = _words(
    "风筝 铜镜 竹篮 陶罐 围巾 钢笔 邮票 石磨 灯笼 木琴 车票 账本 粮仓 油布 花瓶 锁具 铁锤 银针 砂锅 "
    "棉线 渔网 皮箱 马鞍 酒坛 茶砖 瓷片 弓弦 轮轴 船桨 雨伞 胡琴 地砖 信笺 锦旗 纸钱 火柴 镜框 药碾 "
    "标尺 秤砣 城砖 棋谱 香炉 印泥 糖画 面具 算盘 草席 "
)
ENGLISH_DOING = _words(
    "smuggle forge resell hoard tamper dilute relabel unlock spoof scrape counterfeit overstate "
    "falsify bribe launder leak rig inflate conceal mislabel "
)
ENGLISH_THINGS = _words(
    "kites mirrors baskets lanterns stamps ledgers anvils saddles teapots umbrellas violins bricks "
    "banners matchsticks frames rulers spindles tickets harpoons trinkets abacus parchment sextants "
    "bellows "
)
COLOURS = _words("brass velvet walnut copper scarlet ivory crimson amber cobalt silver ")


def row(entry: str, value: str, kind: str = "keyword", **over: object) -> FeatureRow:
    """One entry, proposed and approved by two."""
    fields: dict[str, object] = {
        "version": 1, "entry": entry, "kind": kind, "value": value, "severity": 80, "from_version": 1,
        "risk": None if kind in ("allow", "list") else "A.1h",
        "criteria": "made-up-1", "proposed_by": "one", "approved_by": "two",
    }  # fmt: skip
    return FeatureRow.model_validate(fields | over)


def entries(count: int = 10_000, seed: int = 20_261_126) -> list[FeatureRow]:
    """Distinct keywords: four in five of ideographs (3 to 6 of them), the rest of Latin letters."""
    chance = random.Random(seed)
    values: dict[str, None] = {}
    while len(values) < count:
        if len(values) % 5 == 4:
            words = (chance.choice(from_) for from_ in (ENGLISH_DOING, COLOURS, ENGLISH_THINGS))
            values[" ".join(words)] = None
            continue
        doing, thing, more = chance.choice(DOING), chance.choice(THINGS), chance.choice(THINGS)
        both = doing + thing
        values[chance.choice((both, both + more, both + more[0], doing[0] + thing))] = None
    return [
        row(f"made-{at:05}", value, risk=RISKS[at % len(RISKS)]) for at, value in enumerate(values)
    ]


def of_two() -> list[FeatureRow]:
    """Keywords of two ideographs, for figures of their own."""
    return [
        row(f"two-{at:03}", value, risk=RISKS[at % len(RISKS)])
        for at, value in enumerate((*DOING, *THINGS))
    ]


MARKS = (" ", "*", "-", ".", "_", "|", "/", "·", "~", "☆", "，", "🔥")
_TO_TRADITIONAL = {new: old for old, new in traditional().items()}
_ALIKE: dict[str, list[str]] = {}
for _char, _name in spelling().items():
    if len(_ALIKE.setdefault(_name, [])) < 6:
        _ALIKE[_name].append(_char)
_PARTS: dict[str, list[str]] = {}
for _pair, _whole in splits().items():
    _PARTS.setdefault(_whole, []).append(_pair)
_LOOKS = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "4@", "s": "5$", "t": "7", "b": "8"}


def _separated(value: str, chance: random.Random) -> str | None:
    mark = chance.choice(MARKS)
    if not value.isascii():
        return mark.join(value)
    mark = "." if mark in " ，🔥" else mark
    return " ".join(mark.join(word) for word in value.split())


def _repeated(value: str, chance: random.Random) -> str:
    times = chance.choice((2, 3))
    return "".join(char if char == " " else char * times for char in value)


def _invisible(value: str, chance: random.Random) -> str:
    return chance.choice(("\u200b", "\u2060", "\ufe0f", "\u00ad")).join(value)


def _wide(value: str, chance: random.Random) -> str | None:
    if not value.isascii():
        return None
    return "".join(chr(ord(char) + 0xFEE0) if char != " " else "\u3000" for char in value)


def _traditional(value: str, chance: random.Random) -> str | None:
    changed = "".join(_TO_TRADITIONAL.get(char, char) for char in value)
    return changed if changed != value else None


def _leet(value: str, chance: random.Random) -> str | None:
    if not value.isascii():
        return None
    return "".join(
        chance.choice(_LOOKS[char]) if char in _LOOKS and chance.random() < 0.6 else char
        for char in value
    )


def _pinyin(value: str, chance: random.Random) -> str | None:
    if value.isascii():
        return None
    said = [spelling()[char] for char in value]
    way = chance.randrange(3)
    if way < 2:
        return ("", " ")[way].join(said)
    at = chance.randrange(len(value))
    return value[:at] + said[at] + value[at + 1 :]


def _homophone(value: str, chance: random.Random) -> str | None:
    if value.isascii():
        return None
    changed = "".join(chance.choice(_ALIKE[spelling()[char]]) for char in value)
    return changed if changed != value else None


def _split(value: str, chance: random.Random) -> str | None:
    changed = "".join(chance.choice(_PARTS[char]) if char in _PARTS else char for char in value)
    return changed if changed != value else None


TECHNIQUES: dict[str, Callable[[str, random.Random], str | None]] = {
    "traditional": _traditional, "homophone": _homophone, "pinyin": _pinyin, "split": _split, "leet": _leet,
    "repeated": _repeated, "separated": _separated, "wide": _wide, "invisible": _invisible,
}  # fmt: skip
"""In an order in which each can be done to what the one before made."""
_OF_IDEOGRAPHS = ("traditional", "homophone", "split")
_OF_LETTERS = ("leet", "wide")
PAIRS = tuple(
    (first, second)
    for first, second in combinations(TECHNIQUES, 2)
    if not (first in _OF_IDEOGRAPHS and second in _OF_LETTERS)
)
"""Two techniques at once, where both have something to change in one entry."""


_AROUND = (
    (("请问怎样", "才好"), ("昨天听说有人", "，是真的吗"), ("", "")),
    (("please explain how to ", " today"), ("How do people ", " at home?"), ("", "")),
)


def evasions(
    rows: list[FeatureRow], names: tuple[str, ...], count: int, seed: int = 7
) -> Iterator[tuple[FeatureRow, str]]:
    """(entry, a sentence that hides it by all the techniques named); entries by chance."""
    chance = random.Random(f"{seed}/{names}")
    made = 0
    for _ in range(count * 200):
        entry = chance.choice(rows)
        words: str | None = entry.value
        for name in names:
            words = words and TECHNIQUES[name](words, chance)
        if not words or words == entry.value:
            continue
        before, after = chance.choice(_AROUND[entry.value.isascii()])
        yield entry, before + words + after
        made += 1
        if made == count:
            return
