"""Prompts as people write them, lawful and unlike each other, so that compression has honest work."""

import random
from typing import Final


def _words(line: str) -> list[str]:
    return line.split()


_ENGLISH: Final = _words(
    "please write a short story about the garden behind our old house where my grandmother grew "
    "tomatoes and roses every summer keep the tone warm and simple describe how rain sounded on "
    "roof tiles mention two neighbours who brought bread at weekends explain why children liked "
    "that place more than any park end with somebody closing gate quietly for last time add one "
    "line of dialogue between brother sister avoid clever words let season change slowly"
)
_CHINESE: Final = _words(
    "请写一篇 关于 江南 水乡 清晨 的 短文 石板路 上 有人 挑着 新鲜 蔬菜 慢慢 走过 小桥 河面 飘着 薄雾 "
    "茶馆 老板 打开 木窗 孩子们 背着 书包 去 学校 语言 要 朴素 温暖 不要 太长 最后 写 一句 对话 让 读者 "
    "记住 那个 早晨 的 阳光 和 气味 可以 提到 祖母 做 的 桂花糕 还有 邻居 家 的 小狗"
)


_SENTENCE_BYTES: Final = 150


def sentences(numbers: random.Random, count: int = 2_000) -> list[str]:
    """Two thirds English, one third Chinese, each about ``_SENTENCE_BYTES`` of UTF-8."""
    found = []
    for number in range(count):
        words, size, glue = (_CHINESE, 7, "，") if number % 3 == 2 else (_ENGLISH, 6, " ")
        found.append(glue.join(numbers.choices(words, k=_SENTENCE_BYTES // size)))
    return found


def prompt(numbers: random.Random, known: list[str], size_bytes: int) -> str:
    """A few of the sentences, about ``size_bytes`` of UTF-8."""
    text = "\n".join(numbers.choices(known, k=size_bytes // _SENTENCE_BYTES + 4))
    return text.encode()[:size_bytes].decode(errors="ignore")
