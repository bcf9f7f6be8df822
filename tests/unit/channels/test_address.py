"""Addresses as people type them into workbooks."""

from __future__ import annotations

import pytest

from reminder.channels import CHANNELS
from reminder.render.address import address_fault, on_the_wire, split_sender


@pytest.mark.parametrize(
    "address",
    ["jsj@example.org", "a.b+c_d-e@mail.example.org", "123456@qq.com", "zhang@例子.中国", "a@localhost", "a@X.Example"],
)
def test_good_addresses(address: str) -> None:
    assert address_fault(address, "zh_CN") is None


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("", "name@example.org"),
        ("jsj", "name@example.org"),
        ("@example.org", "name@example.org"),
        ("jsj@", "name@example.org"),
        ("jsj＠example.org", "全角"),
        ("jsj@example。org", "全角"),
        ("jsj @example.org", "空格"),
        ("jsj@example.org\n", "空格"),
        ("jsj@example.org\u200b", "空格"),
        ("a@b\r\nRCPT TO:<evil@example.net>", "空格"),
        ("张三@example.org", "英文字母"),
        ("a..b@example.org", "英文字母"),
        ('"a"@example.org', "英文字母"),
        ("a,b@example.org", "英文字母"),
        ("a@b@example.org", "英文字母"),
        ("x" * 65 + "@example.org", "英文字母"),
        ("<jsj@example.org>", "英文字母"),
        ("jsj@exa_mple.org", "域名"),
        ("jsj@-example.org", "域名"),
        ("jsj@example..org", "域名"),
        ("jsj@[127.0.0.1]", "域名"),
        ("jsj@127.0.0.1", "域名"),
        ("jsj@" + "a" * 64 + ".org", "域名"),
        ("jsj@" + ".".join(["abcdefg"] * 40), "域名"),
    ],
)
def test_cve_2023_27043_bad_addresses_are_told_apart(address: str, word: str) -> None:
    fault = address_fault(address, "zh_CN")
    assert fault is not None
    assert word in fault
    assert fault.isprintable()
    assert address_fault(address, "en") not in (None, fault)
    with pytest.raises(ValueError, match="not an e-mail address"):
        on_the_wire(address)


def test_a_chinese_domain_becomes_ascii() -> None:
    assert on_the_wire("zhang@例子.中国") == "zhang@xn--fsqu00a.xn--fiqs8s"


@pytest.mark.parametrize(
    ("sender", "parts"),
    [
        ("整改办 <office@example.org>", ("整改办", "office@example.org")),
        ("office@example.org", ("", "office@example.org")),
        ('"办公室, 区委" <a@b.org>', ("办公室, 区委", "a@b.org")),
    ],
)
def test_a_sender_has_a_name_and_an_address(sender: str, parts: tuple[str, str]) -> None:
    assert split_sender(sender) == parts


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "整改办",
        "a@x.org, b@x.org",
        "A <a@x.org>\r\nX: 1",
        "=?utf-8?q?a?= <a@x.org>",
        "A <张@x.org>",
        "A <a@x.org> B",
    ],
)
def test_a_sender_is_one_mailbox(sender: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not an e-mail"):
        split_sender(sender)


@pytest.mark.parametrize(
    ("address", "good"), [("13800000000", True), ("@all", True), ("", False), ("a\nb", False), (" a", False)]
)
def test_a_webhook_takes_whatever_its_template_needs(address: str, good: bool) -> None:
    assert (CHANNELS["webhook"].address_fault(address) is None) is good
