"""What the robots' answers mean, as one table each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from reminder.channels.dingtalk import DingtalkChannel
from reminder.channels.feishu import FeishuChannel
from reminder.channels.http_reply import Answer
from reminder.channels.robot import Robot
from reminder.channels.robot_reply import verdict
from reminder.channels.wecom import WecomChannel
from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent, RateLimited

NOW = datetime(2021, 5, 6, 1, 0, tzinfo=UTC)  # 09:00 in China
SIGN = "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中"
KEYWORD = "description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词,并在发送的信息中包含此关键词"
EXPIRED = "description:机器人发送签名过期;solution:签名生成时间和发送时间请保持在timestampms以内"
FOREIGN = "错误描述:来源IP不在白名单内；解决方案:请联系群管理员查看此机器人的IP白名单和关键词"


def said(robot: type[Robot], status: int, body: bytes, wait: str = "") -> DeliveryError | None:
    return verdict(Answer(status, wait, body), robot.codes, robot.refusals, NOW)


def refused(robot: type[Robot], code: int, message: str = "", status: int = 200, wait: str = "") -> DeliveryError:
    name = "code" if robot is FeishuChannel else "errcode"
    words = "msg" if robot is FeishuChannel else "errmsg"
    error = said(robot, status, json.dumps({name: code, words: message}).encode(), wait)
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("robot", "code", "message", "kind"),
    [
        (WecomChannel, -1, "system busy", Passing),
        (WecomChannel, 45009, "api freq out of limit", RateLimited),
        (WecomChannel, 40058, "markdown.content exceed max length 4096. invalid Request Parameter", Permanent),
        (WecomChannel, 40008, "invalid message type", Permanent),
        (WecomChannel, 44004, "empty content", Permanent),
        (WecomChannel, 40035, "invalid parameter", Permanent),
        (WecomChannel, 93000, "invalid webhook url, hint: [1626244321_7_0_1]", ChannelBroken),
        (WecomChannel, 93004, "robot disabled", ChannelBroken),
        (WecomChannel, 93008, "not in group", ChannelBroken),
        (WecomChannel, 12345, "not in any list", Passing),
        (DingtalkChannel, -1, "系统繁忙", Passing),
        (DingtalkChannel, 130101, "send too fast, exceed 20 times per minute", RateLimited),
        (DingtalkChannel, 410100, "发送速度太快而限流", RateLimited),
        (DingtalkChannel, 90030, "calls of the day used up", RateLimited),
        (DingtalkChannel, 310000, "keywords not in content, more: [https://ding-doc.dingtalk.com]", Permanent),
        (DingtalkChannel, 310000, KEYWORD, Permanent),
        (DingtalkChannel, 310000, "sign not match, more: [https://ding-doc.dingtalk.com]", ChannelBroken),
        (DingtalkChannel, 310000, SIGN, ChannelBroken),
        (DingtalkChannel, 310000, "invalid timestamp", ChannelBroken),
        (DingtalkChannel, 310000, EXPIRED, ChannelBroken),
        (DingtalkChannel, 310000, "ip 203.0.113.7 not in whitelist", ChannelBroken),
        (DingtalkChannel, 310000, FOREIGN, ChannelBroken),
        (DingtalkChannel, 310000, "", ChannelBroken),
        (DingtalkChannel, 300001, "token is not exist", ChannelBroken),
        (DingtalkChannel, 300005, "token is not exist", ChannelBroken),
        (DingtalkChannel, 400101, "access_token不存在", ChannelBroken),
        (DingtalkChannel, 400106, "机器人不存在", ChannelBroken),
        (DingtalkChannel, 88, "缺少参数 access_token", ChannelBroken),
        (DingtalkChannel, 400013, "群已被解散", ChannelBroken),
        (DingtalkChannel, 400102, "机器人已停用", ChannelBroken),
        (DingtalkChannel, 400105, "不支持的消息类型", Permanent),
        (DingtalkChannel, 40035, "缺少参数 json", Permanent),
        (DingtalkChannel, 43004, "无效的HTTP HEADER Content-Type", Permanent),
        (DingtalkChannel, 430101, "含有不安全的外链", Permanent),
        (DingtalkChannel, 430102, "含有不合适的文本", Permanent),
        (DingtalkChannel, 430103, "含有不合适的图片", Permanent),
        (DingtalkChannel, 430104, "含有不合适的内容", Permanent),
        (DingtalkChannel, 460101, "message too long, exceed 20000 bytes", Permanent),
        (DingtalkChannel, 999999, "not in any list", Passing),
        (FeishuChannel, 9499, "Bad Request", Permanent),
        (FeishuChannel, 9499, "too many request", RateLimited),
        (FeishuChannel, 11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]", RateLimited),
        (FeishuChannel, 99991400, "request trigger frequency limit", RateLimited),
        (FeishuChannel, 19021, "sign match fail or timestamp is not within one hour from current time", ChannelBroken),
        (FeishuChannel, 19022, "Ip Not Allowed", ChannelBroken),
        (FeishuChannel, 19024, "Key Words Not Found", Permanent),
        (FeishuChannel, 19001, "param invalid: incoming webhook access token invalid", ChannelBroken),
        (FeishuChannel, 19002, "params error", Permanent),
        (FeishuChannel, 19036, "too large", Permanent),
        (FeishuChannel, 200621, "card JSON invalid", Permanent),
        (FeishuChannel, 11246, "not in any list", Passing),
    ],
)
def test_codes(robot: type[Robot], code: int, message: str, kind: type[DeliveryError]) -> None:
    error = refused(robot, code, message)
    assert (type(error), error.code, error.accepted_unknown) == (kind, str(code), False)
    assert message in error.text


@pytest.mark.parametrize(
    ("message", "advice"), [(SIGN, "secret"), (EXPIRED, "NTP"), (KEYWORD, "keyword"), (FOREIGN, "public address")]
)
def test_dingtalks_four_causes_of_one_code_are_told_apart_by_the_description_alone(message: str, advice: str) -> None:
    assert advice in refused(DingtalkChannel, 310000, message).text.removeprefix(f"310000: {message}")


@pytest.mark.parametrize(
    ("robot", "code", "message", "wait", "pause"),
    [
        (WecomChannel, 45009, "", "", timedelta(minutes=1)),
        (DingtalkChannel, 410100, "", "", timedelta(minutes=10)),
        (DingtalkChannel, 130101, "", "", timedelta(minutes=10)),
        (DingtalkChannel, 90030, "", "", timedelta(hours=15, minutes=5)),  # after midnight in China
        (FeishuChannel, 11232, "", "", timedelta(minutes=1)),
        (FeishuChannel, 99991400, "", "17", timedelta(seconds=17)),
        (FeishuChannel, 99991400, "", "999999", timedelta(hours=6)),
        (FeishuChannel, 9499, "too many request", "", timedelta(minutes=1)),
    ],
)
def test_pauses(robot: type[Robot], code: int, message: str, wait: str, pause: timedelta) -> None:
    error = refused(robot, code, message, wait=wait)
    assert isinstance(error, RateLimited)
    assert error.until - NOW == pause


@pytest.mark.parametrize(
    ("robot", "body"),
    [
        (WecomChannel, b'{"errcode":0,"errmsg":"ok"}'),
        (DingtalkChannel, b'{"errcode":0,"errmsg":"ok"}'),
        (FeishuChannel, b'{"code":0,"msg":"success","data":{}}'),
        (FeishuChannel, b'{"Extra":null,"StatusCode":0,"StatusMessage":"success"}'),
    ],
)
def test_accepted(robot: type[Robot], body: bytes) -> None:
    assert said(robot, 200, body) is None


@pytest.mark.parametrize("robot", [WecomChannel, DingtalkChannel, FeishuChannel])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<html>please log in</html>",
        b"[]",
        b"0",
        b'"0"',
        b'{"msg":"success"}',
        b"{",
        b"[" * 50_000,
        *(json.dumps({"errcode": value, "code": value}).encode() for value in (False, None, "0", 0.0, [], "ok")),
    ],
)
def test_200_without_the_code_0_is_no_acceptance(robot: type[Robot], body: bytes) -> None:
    error = said(robot, 200, body)
    assert (type(error), error and error.code) == (Passing, "200")


def test_feishus_own_code_counts_over_its_older_name() -> None:
    assert type(said(FeishuChannel, 200, b'{"code":19001,"StatusCode":0,"msg":""}')) is ChannelBroken


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"code":9499,"msg":"too many request"}', RateLimited),
        (400, b'{"code":9499,"msg":"Bad Request"}', Permanent),
        (429, b'{"code":99991400,"msg":"request trigger frequency limit"}', RateLimited),
        (429, b'{"code":77,"msg":"unknown"}', RateLimited),
        (429, b"slow down", RateLimited),
        (500, b'{"code":77,"msg":"unknown"}', Passing),
        (500, b'{"code":0}', Passing),
        (302, b'{"code":0}', ChannelBroken),
        (502, b"<html>bad gateway</html>", Passing),
        (413, b"<html>too large</html>", Permanent),
        (400, b"<html>bad request</html>", Permanent),
        (404, b"<html>not found</html>", ChannelBroken),
        (403, b"<html>forbidden</html>", ChannelBroken),
    ],
)
def test_of_other_statuses_the_body_is_read_first(status: int, body: bytes, kind: type[DeliveryError]) -> None:
    assert type(said(FeishuChannel, status, body)) is kind


def test_an_answer_that_broke_off_may_have_been_an_acceptance() -> None:
    error = verdict(Answer(200, "", b"", whole=False), ("errcode",), {}, NOW)
    assert isinstance(error, Passing)
    assert error.accepted_unknown
