"""The robots' messages: within their limits, with every mention whole, whatever the ledger holds."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_robot_text import HOSTILE

from reminder.channels import CHANNELS
from reminder.domain.message import Envelope, Letter

KINDS = ("wecom", "dingtalk", "feishu")
FORMS = pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind in KINDS for form in ("markdown", "text")])
PEOPLE = st.lists(st.sampled_from(["@all", "13800001111", *(f"ou_{n}{'x' * 50}" for n in range(60))]), max_size=70)
LETTERS = st.builds(
    lambda parts, times: Letter(
        subject=parts[0] * times,
        text=f"{parts[1] * times}\n提醒编号：R-42\n",
        html="",
        brief=parts[2],
        tail=f"…（共12项，详见台账）{parts[3]}\n提醒编号：R-42",
    ),
    st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
    st.sampled_from([1, 3, 200]),
)


def message(kind: str, letter: Letter, *addresses: str, **keys: object) -> Any:
    return json.loads(payload(kind, letter, *addresses, **keys))


def payload(kind: str, letter: Letter, *addresses: str, **keys: object) -> bytes:
    known = CHANNELS[kind].Keys.model_validate({"kind": kind, "url": {"env": "ROBOT_URL"}, **keys})
    at = datetime(2021, 5, 6, tzinfo=UTC)
    envelope = Envelope(message_id="r-42@x.example", recipient="建设局", addresses=addresses, written_at=at)
    return CHANNELS[kind]("group", known, Path()).render(letter, envelope)


def content(body: Any) -> str:
    """The text people read, in whatever form."""
    if "card" in body:
        return str(body["card"]["elements"][0]["text"]["content"])
    part = body.get("markdown") or body.get("text") or body["content"]
    return str(part.get("content") or part.get("text"))


@FORMS
@settings(deadline=None)
@given(letter=LETTERS, people=PEOPLE)
def test_no_limit_is_passed_no_mention_cut_or_forged_and_the_number_stands(
    kind: str, form: str, letter: Letter, people: list[str]
) -> None:
    raw = payload(kind, letter, *people, format=form)
    body = json.loads(raw)
    text = content(body)
    limit = {"text": 2048, "markdown": 4096}.get(body.get("msgtype", ""), 0) if kind == "wecom" else 0
    assert len(text.encode()) <= limit if limit else len(raw) <= 20_000
    assert "R-42" in text
    tags = re.findall(r"<[^>]*>?", text)
    assert all(re.fullmatch(r"<@ou_\w+>|<at (user_)?id=\"?(all|ou_\w+)\"?>|</at>", tag) for tag in tags)
    called = re.findall(r"<@(\w+)>|id=\"?(\w+)\"?>", "".join(tags))
    assert {a or b for a, b in called} <= {each.removeprefix("@") for each in people}


@FORMS
def test_the_bytes_are_the_same_every_time(kind: str, form: str) -> None:
    letter = Letter(subject="整改提醒", text="第73项", html="", brief="第73项")
    first, again = (payload(kind, letter, "@all", format=form, mention=["lisi"]) for _ in range(2))
    assert first == again
    assert "整改提醒".encode() in first
    assert b"timestamp" not in first


LETTER = Letter(subject="整改提醒", text="━━ 逾期\n\n  73  修订办法\n      时限：4月30日\n", html="", brief="")


def test_wecom() -> None:
    markdown = {"content": "### 整改提醒\n\n**逾期**\n\n73  修订办法\n时限：4月30日\n\n<@lisi>"}
    assert message("wecom", LETTER, "lisi") == {"msgtype": "markdown", "markdown": markdown}
    text = {"content": "整改提醒\n\n━━ 逾期\n\n  73  修订办法\n      时限：4月30日"}
    assert message("wecom", LETTER, format="text") == {"msgtype": "text", "text": text}
    assert message("wecom", LETTER, "@all", "lisi") == {
        "msgtype": "text",
        "text": {**text, "mentioned_list": ["lisi", "@all"]},
    }


def test_dingtalk() -> None:
    at = {"atMobiles": ["13800001111"], "atUserIds": ["lisi"], "isAtAll": True}
    text = "### 整改提醒\n\n**逾期**\n\n73  修订办法  \n时限：4月30日\n\n@13800001111 @lisi"
    body = message("dingtalk", LETTER, "lisi", "@all", "13800001111")
    assert body == {"msgtype": "markdown", "markdown": {"title": "整改提醒", "text": text}, "at": at}


def test_feishu() -> None:
    card = message("feishu", LETTER, "ou_1", "@all")["card"]
    assert card["header"]["title"] == {"tag": "plain_text", "content": "整改提醒"}
    assert card["elements"][0]["text"]["content"].endswith("\n\n<at id=ou_1></at> <at id=all></at>")
    text = message("feishu", LETTER, "ou_1", format="text")
    assert text["content"]["text"].endswith('\n\n<at user_id="ou_1"></at>')


@pytest.mark.parametrize(
    ("kind", "address", "good"),
    [
        *(
            (kind, address, True)
            for kind in KINDS
            for address in ("@all", "ou_84aad35d084aa403a838cf73ee18467", "lisi")
        ),
        *((kind, "13800001111", kind != "feishu") for kind in KINDS),
        *((kind, "+852-91234567", kind != "feishu") for kind in KINDS),
        *((kind, "jsj@example.org", kind == "wecom") for kind in KINDS),  # a WeCom userid may look like that
        *(
            (kind, bad, False)
            for kind in KINDS
            for bad in ("", "张三", "a b", "a\n", 'a"b', "a>", "@所有人", "@", "x" * 65)
        ),
    ],
)
def test_whom_a_robot_can_mention(kind: str, address: str, good: bool) -> None:
    fault = CHANNELS[kind].address_fault(address)
    assert (fault is None) is good
    assert good or CHANNELS[kind].address_fault(address, "en") not in (None, fault)


def test_what_cannot_be_mentioned_is_left_out() -> None:
    """A trial's `redirect_to` names e-mail addresses."""
    assert message("dingtalk", LETTER, "me@example.org", '"><at id=all>')["at"]["atUserIds"] == []


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("wecom", {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"}),  # the URL is the key
        ("wecom", {"secret": {"env": "X"}}),
        ("feishu", {"mention": ["13800001111"]}),
        ("dingtalk", {"mention": ["张三"]}),
        ("dingtalk", {"format": "html"}),
    ],
)
def test_keys_that_are_refused(kind: str, keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        payload(kind, LETTER, **keys)


def test_known_rates() -> None:
    assert {kind: CHANNELS[kind].rate for kind in (*KINDS, "email")} == {
        "wecom": ((20, 60),),
        "dingtalk": ((20, 60),),
        "feishu": ((5, 1), (100, 60)),
        "email": (),
    }
