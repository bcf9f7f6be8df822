"""The robots' signatures against vectors that OpenSSL and other libraries computed, too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reminder.channels import dingtalk, feishu

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "robot_signatures.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["dingtalk"]["vectors"])
def test_dingtalk(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert dingtalk.signature(vector["timestamp_ms"], vector["secret"]) == vector["base64"]
    monkeypatch.setenv("ROBOT_SECRET", vector["secret"])
    now = datetime.fromtimestamp(vector["timestamp_ms"] / 1000, UTC)
    url, body = robot(dingtalk.DingtalkChannel).sealed("https://x.example/send?access_token=a", b"{}", now)
    assert url.endswith(f"&timestamp={vector['timestamp_ms']}&sign={vector['url_encoded']}")
    assert (parse_qs(urlsplit(url).query)["sign"], body) == ([vector["base64"]], b"{}")


@pytest.mark.parametrize("vector", VECTORS["feishu"]["vectors"])
def test_feishu(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert feishu.signature(vector["timestamp_s"], vector["secret"]) == vector["sign"]
    monkeypatch.setenv("ROBOT_SECRET", vector["secret"])
    now = datetime.fromtimestamp(vector["timestamp_s"], UTC)
    url, body = robot(feishu.FeishuChannel).sealed("https://x.example/hook/a", b'{"msg_type":"text"}', now)
    assert url == "https://x.example/hook/a"
    assert json.loads(body) == {
        "timestamp": str(vector["timestamp_s"]),
        "sign": vector["sign"],
        "msg_type": "text",
    }


def robot(kind: type[dingtalk.DingtalkChannel] | type[feishu.FeishuChannel]) -> Any:
    name = "dingtalk" if kind is dingtalk.DingtalkChannel else "feishu"
    keys = {"kind": name, "url": {"env": "ROBOT_URL"}, "secret": {"env": "ROBOT_SECRET"}}
    return kind("group", kind.Keys.model_validate(keys), Path())  # type: ignore[arg-type]
