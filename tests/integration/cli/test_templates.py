"""`reminder templates eject`: a built-in template to edit; the file wins from then on."""

import time_machine

from tests.makers import at


def test_an_ejected_template_wins(desk):
    desk.measure("73", "2021-06-10")
    assert desk("templates", "eject", "zh_CN/nudge.text.txt").code == 0
    path = desk.folder / "templates" / "zh_CN" / "nudge.text.txt"
    path.write_text(path.read_text(encoding="utf-8") + "本办自拟的一句话\n", encoding="utf-8")
    shown = desk("preview", "weekly-nudge", "建设局", "--on", "2021-06-07").out
    assert "本办自拟的一句话" in shown
    with time_machine.travel(at("2021-06-01"), tick=False):
        assert desk("check").code == 0


def test_nothing_is_overwritten_and_unknown_names_get_the_nearest(bare):
    assert bare("templates", "eject", "zh_CN/nudge.html").code == 0
    again = bare("templates", "eject", "zh_CN/nudge.html")
    assert again.code == 2
    assert "nudge.html" in again.err
    unknown = bare("templates", "eject", "zh_CN/nugde.html")
    assert unknown.code == 2
    assert "zh_CN/nudge.html" in unknown.err
    assert bare("templates", "eject", "../../../etc/passwd").code == 2


def test_without_a_name_they_are_listed(bare):
    assert "webhook/slack.json" in bare("templates", "eject").out
