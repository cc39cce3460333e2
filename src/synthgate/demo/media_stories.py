"""Stories of pictures, sounds, films and documents: what was looked at is labelled and released."""

from typing import Any

from synthgate.demo import media
from synthgate.demo.acts import Act, Story
from synthgate.demo.media import MediaFile

SHOWN_BESIDE = "reader"
"""Template of an app that shows the label beside the page (GB 45438 5.6)."""


def made(name: str, prompt: str, file: MediaFile, say: str, **more: Any) -> tuple[Act, Act]:
    """A request for a file, and the file."""
    template = more.pop("template", "studio")
    return (
        Act(f"{name}-ask", prompt, prompt=prompt, generation=name, template=template,
            medium=file.medium),
        Act(f"{name}-file", say, "generation.completed", generation=name, cites=f"{name}-ask",
            template=template, medium=file.medium, files=(file,), **more),
    )  # fmt: skip


def taken_in(
    name: str, say: str, file: MediaFile, template: str = SHOWN_BESIDE, **more: Any
) -> Act:
    """A file from elsewhere."""
    return Act(name, say, "content.ingested", generation=name, template=template, medium=file.medium,
               files=(file,), **more)  # fmt: skip


def verified(user: str) -> Act:
    """The platform's checker vouches for the user."""
    return Act(f"{user}-verified", "identity verified 完成实名认证", "identity.verified")


MEDIA_STORIES: tuple[Story, ...] = (
    Story("painter", "pictures 图像", (
        verified("painter"),
        *made("harbour", "画一个安静的港湾", media.PICTURE, "picture gets its badge 图像加角标"),
        Act("harbour-export", "the labelled picture leaves as a file 导出", "asset.exported",
            generation="harbour", cites="harbour-file", template="studio", medium="image"),
        *made("blot", "画一个小圆点", media.BLOT, "too small for a badge 过小,无法加标", expect="refuse",
              codes=("label_too_small",)),
        *made("unseen", "Draw a lighthouse", media.PICTURE, "nobody has looked at it 无人审核", reviewed=False,
              expect="hold", codes=("object_unreviewed",)),
    )),
    Story("speaker", "sounds 音频", (
        verified("speaker"),
        *made("greeting", "合成一句问候语", media.SOUND, "rhythm in front 片头加节奏提示音"),
    )),
    Story("writer", "documents 文档", (
        verified("writer"),
        *made("letter", "写一封感谢信", media.DOCX, "label in the first paragraph 首段加标识"),
        *made("page", "Lay out one page", media.PDF, "line on the first page 首页加标识"),
    )),
    Story("curator", "content from elsewhere 外来内容", (
        verified("curator"),
        taken_in("found", "its label stays, we are added 保留原标识,添加传播要素", media.FOUND),
        taken_in("guess", "its user says it is AI 用户声明", media.PICTURE, data={"declared_ai": True}),
        taken_in("bare", "nobody would be told 未作提示", media.FOUND, template="studio", expect="refuse",
                 codes=("notice_missing",)),
    )),
    Story("frank", "an image nobody can review 无人能审的图像", (
        verified("frank"),
        Act("picture", "画一只猫", expect="refuse", codes=("no_reviewer",), prompt="画一只猫",
            template="sketch", medium="image"),
    )),
)  # fmt: skip

FILM_STORY: Story = Story("director", "a film 视频", (
    verified("director"),
    *made("clip", "生成一段三秒短片", media.FILM, "badge on every frame 每帧加角标"),
))  # fmt: skip
"""Needs ffmpeg, as the label in a film does."""
