"""Stories of accounts, terms, consents and templates: who asked, who agreed, and what was done before."""

from typing import Any, Final

from synthgate.demo.acts import Act, Story

VOICE, RENEWED, UNWILLING = "subj-voice-11", "subj-renewed-12", "subj-unwilling-13"
HASTY: Final = "hasty"
"""Another tenant: its terms took effect before anyone was told of them."""


def _checked(
    user: str, say: str = "identity verified 完成实名认证", name: str = "verified", **more: Any
) -> Act:
    at_s, expect, codes = more.pop("at_s", 0), more.pop("expect", "release"), more.pop("codes", ())
    return Act(f"{user}-{name}", say, "identity.verified", expect, codes, at_s=at_s, data=more)


def _ask(
    user: str, prompt: str, *codes: str, name: str = "ask", person: str | None = None, **more: Any
) -> Act:
    data = {"subjects": [{"token": person, "age_band": "adult"}]} if person else {}
    return Act(
        f"{user}-{name}", prompt, expect="refuse" if codes else "release", codes=codes, prompt=prompt,
        generation=f"{user}-{name}", data=data, **more,
    )  # fmt: skip


def _of_hasty(name: str, say: str, type_: str, *codes: str, **more: Any) -> Act:
    """Sent past the client, which speaks for one tenant."""
    return Act(
        f"ning-{name}", say, type_, "refuse" if codes else "release", codes, straight=True,
        data={"tenant": HASTY}, **more,
    )  # fmt: skip


def _told(user: str, template: str, *codes: str, person: str | None = None) -> Act:
    data = {"subjects": [{"token": person, "age_band": "adult"}]} if person else {}
    return Act(
        f"{user}-told", "told to ask the person 已提示取得单独同意", "consent.prompted",
        "refuse" if codes else "release", codes, template=template, data=data,
    )  # fmt: skip


def _published(user: str, *codes: str) -> tuple[Act, ...]:
    """An answer, and its publication."""
    return (
        _ask(user, "写一段自我介绍"),
        Act(f"{user}-answer", "answer labelled 回答加标识", "generation.completed",
            text="大家好,很高兴认识你们。", generation=f"{user}-ask", cites=f"{user}-ask"),
        Act(f"{user}-publish", "publishes it 发布", "content.published",
            "refuse" if codes else "release", codes, generation=f"{user}-ask", cites=f"{user}-answer"),
    )  # fmt: skip


PEOPLE: Final[tuple[Story, ...]] = (
    Story("qian", "terms not accepted 未接受服务协议", (
        _checked("qian"),
        _ask("qian", "写一句早安问候", "terms_not_accepted"),
        Act("qian-accepts", "accepts them, and may ask 接受后可用", "terms.accepted"),
        _ask("qian", "再写一句早安问候", name="again"),
    ), accepts=False),
    Story("ning", "terms in effect before anyone was told 协议生效在先、告知在后", (
        _of_hasty("verified", "identity verified 完成实名认证", "identity.verified"),
        _of_hasty("accepts", "accepts them 接受服务协议", "terms.accepted"),
        _of_hasty("ask", "写一句晚安问候", "generation.requested", "terms_unpublished",
                  prompt="写一句晚安问候"),
    ), accepts=False),
    Story("mei", "the check finds another person 核验结果不一致", (
        _checked("mei", "the checker found no match 核验不一致", expect="refuse", codes=("check_failed",),
                 result="mismatch"),
        _ask("mei", "写一段节日祝福", "unverified_request"),
    )),
    Story("feng", "a sign of fraud 涉诈风险", (
        _checked("feng", at_s=-30),
        Act("feng-flag", "the platform saw a sign of fraud 发现涉诈风险", "account.flagged", at_s=-20),
        _ask("feng", "写一封催款信", "verify_again"),
        _checked("feng", "verified again 重新核验", name="once-more", at_s=-10),
        _ask("feng", "写一封感谢信", name="thanks"),
    )),
    Story("xue", "national network identity 国家网络身份", (
        _checked("xue", method="nnid"),
        _ask("xue", "写一段登山日记"),
        Act("xue-asked", "asked for a card all the same 仍被要求提供身份证", "identity.asked", "refuse",
            ("plain_identity_asked",), data={"kinds": ["id_card"]}),
    )),
    Story("teen", "a minor whose own document nobody checked 未核验的未成年人", (
        _checked("teen", age_band="14_17"), *_published("teen", "minor_unidentified"),
    )),
    Story("pupil", "a minor with a document 已核验的未成年人", (
        _checked("pupil", age_band="14_17", method="id_card"), *_published("pupil"),
    )),
    Story("kong", "a function off by order 依令关停的功能", (
        _checked("kong"), _ask("kong", "用已关停的模板写作", "function_off", template="ordered-off"),
    )),
    Story("cao", "a voice, assessed and agreed 合成人声,已评估并取得同意", (
        _checked("cao"), _told("cao", "voice"),
        _ask("cao", "以这位女士的声音念一句欢迎词", person=VOICE, template="voice"),
    )),
    Story("yan", "what was agreed is no longer so 同意已变更", (
        _checked("yan"), _told("yan", "style"),
        _ask("yan", "按旧的同意再写一篇", "grant_superseded", person=RENEWED, template="style"),
    )),
    Story("hua", "asks who has just said no 对方刚刚拒绝", (
        _checked("hua"),
        _told("hua", "style", "asked_again", person=UNWILLING),
        _ask("hua", "仍以他的口吻写", "no_grant", person=UNWILLING, template="style"),
    )),
    Story("jin", "a tool nobody assessed 未评估的工具", (
        _checked("jin"),
        _ask("jin", "画出某重要设施的文字地图", "assessment_missing", template="unassessed"),
        _told("jin", "unweighed"),
        _ask("jin", "合成她的声音", "impact_assessment_missing", name="voice", person=VOICE,
             template="unweighed"),
    )),
    Story("wei", "data without a basis, data without a contract 数据无依据、无合同", (
        _checked("wei"),
        _ask("wei", "用抓取数据训练的模型写作", "training_basis_missing", template="scraped"),
        _ask("wei", "经无合同的受托方处理", "contract_missing", name="api", template="uncontracted"),
    )),
)  # fmt: skip
