"""Templates of the office's own that would loop for ever or fill the memory: each stops only itself, soon."""

from __future__ import annotations

import gc
import os
import resource
from pathlib import Path

import pytest

from reminder.compose import TemplateFault, check_templates, compose, forget_templates
from reminder.domain.reminder import ReminderKind
from reminder.render.apart import Apart
from tests.unit.compose_cast import MONDAY, circumstances, dated, reminder

DOUBLED = "{% set a = 'aaaaaaaaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40
REPLACED = "{% set a = 'aaaaaaaaaaaaaaaa' %}" + "{% set a = a|replace('a', a) %}" * 8
LISTED = "{% set a = [1] %}" + "{% set a = a + a %}" * 40
BOMBS = {
    "a long string": "{{ 'a'*300000000 }}",
    "a wide number": "{{ '%0500000000d'|format(1) }}",
    "a wide number by an operator": "{{ '%0500000000d' % 1 }}",
    "a wide number by a method": "{{ '{:0500000000d}'.format(1) }}",
    "a wide number of bytes": "{{ (1).to_bytes(900000000, 'big')|length }}",
    "loops in loops": "第一行\n" + "{% for a in who|list + who|list + who|list %}" * 14 + "{% endfor %}" * 14,
    "loops that write": "{% for a in who|list + who|list %}" * 12 + "{{ who }}" + "{% endfor %}" * 12,
    "doubled again and again": "第一行\n" + DOUBLED + "{{ a|length }}",
    "replaced again and again": REPLACED + "{{ a|length }}",
    "a list added to itself": LISTED + "{{ a|length }}",
    "a macro that calls itself": "{% macro m(n) %}{{ m(n + 1) }}{{ m(n) }}{% endmacro %}{{ m(0) }}",
    "a file that includes itself": "{% include 'overdue.text.txt' %}",
    "brackets in brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zh_CN").mkdir()
    forget_templates()
    return tmp_path


def overdue(folder: Path, text: str = "规范") -> str:
    return compose([reminder(ReminderKind.OVERDUE, [dated("7", MONDAY, text=text)])], circumstances(folder=folder)).text


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_uptime_kuma_7534_a_bomb_is_a_fault_with_its_file_and_harms_nobody(folder: Path, bomb: str) -> None:
    path = folder / "zh_CN" / "overdue.text.txt"
    path.write_text(bomb, encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateFault) as caught:
        overdue(folder)
    assert caught.value.file == str(path)
    assert 0 < len(caught.value.text) < 400
    assert "\n" not in caught.value.text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ ''|attr('__class__') }}",
    '{% include "/etc/passwd" %}',
    '{% include "../../../../../../etc/passwd" %}',
]


@pytest.mark.parametrize("text", ESCAPES)
def test_uptime_kuma_6159_a_template_reaches_neither_python_nor_files(folder: Path, text: str) -> None:
    (folder / "zh_CN" / "overdue.text.txt").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateFault):
        overdue(folder)


FORMATS = [
    "{{ '{0.__class__.__mro__}'.format(who) }}",  # CVE-2016-10745
    "{{ '{x.__class__}'.format_map({'x': who}) }}",  # CVE-2019-10906
    "{{ (''|attr('format'))('{0.__class__}', who) }}",
    "{{ ('{0.__class__.__mro__}'|attr('format'))(who) }}",  # CVE-2025-27516
    "{{ ['{0.__class__}']|map('format', who)|join or ['{0.__class__}'.format]|map(attribute='__self__')|join }}",
    "{% set f = '{0.__class__}'.format %}{{ f(who) }}",  # CVE-2024-56326: the method is called by another name
]


@pytest.mark.parametrize("text", FORMATS)
def test_cve_2016_10745_cve_2025_27516_a_format_string_shows_nothing_of_python(folder: Path, text: str) -> None:
    """`str.format` looks up attributes by itself, past a sandbox that only watches the template's own."""
    (folder / "zh_CN" / "overdue.text.txt").write_text(text, encoding="utf-8")
    try:
        shown = overdue(folder)
    except TemplateFault:
        return
    assert "class" not in shown


@pytest.mark.parametrize("name", ["loops in loops", "doubled again and again"])
def test_the_line_of_a_bomb_is_told(folder: Path, name: str) -> None:
    (folder / "zh_CN" / "overdue.text.txt").write_text(BOMBS[name], encoding="utf-8")
    with pytest.raises(TemplateFault) as caught:
        overdue(folder)
    assert caught.value.line == 2
    assert "shorten its loops" in caught.value.text


def test_check_ends_soon_and_tells_a_bomb_once(folder: Path) -> None:
    path = folder / "zh_CN" / "overdue.text.txt"
    path.write_text(BOMBS["loops in loops"], encoding="utf-8")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    (fault,) = check_templates(folder, "zh_CN")
    assert (fault.file, fault.line, fault.warning) == (str(path), 2, False)
    gc.collect()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime < 20, "three times 2 s, not once a letter"


def test_what_only_real_data_sets_off_stops_only_itself(folder: Path) -> None:
    """The samples are short; the ledger's text is not."""
    loops = "{% for group in section.groups %}{% for line in group.lines %}" + "{% for a in line.text|list %}" * 4
    own = loops + "{% endfor %}" * 6 + "{{ section.count }}"
    (folder / "zh_CN" / "overdue.text.txt").write_text(own, encoding="utf-8")
    assert check_templates(folder, "zh_CN") == []
    forget_templates()
    with pytest.raises(TemplateFault, match="more than 2 s"):
        overdue(folder, "长" * 150)
    assert "1" in overdue(folder, "短"), "the next letter is written by the same template"


def test_a_process_that_was_killed_is_replaced(folder: Path) -> None:
    apart = Apart({"a.txt": "a.txt"}, {"a.txt": b"{{ n }}"})
    assert apart.render("a.txt", {"n": 1}) == "1"
    child = apart._child
    assert child is not None
    os.kill(child._process.pid, 9)
    with pytest.raises(TemplateFault):
        apart.render("a.txt", {"n": 2})
    assert apart.render("a.txt", {"n": 3}) == "3"


def test_no_process_is_left_behind_and_none_is_started_for_built_in_templates(folder: Path) -> None:
    apart = Apart({"a.txt": "a.txt"}, {"a.txt": b"{{ n }}"})
    assert apart._child is None
    apart.render("a.txt", {"n": 1})
    child = apart._child
    assert child is not None
    process = child._process
    del apart, child
    gc.collect()
    assert process.poll() is not None


def test_the_process_knows_no_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMINDER_SMTP_PASSWORD", "canary")
    apart = Apart({"a.txt": "a.txt"}, {"a.txt": b"{{ n }}"})
    apart.render("a.txt", {"n": 1})
    child = apart._child
    assert child is not None
    assert b"canary" not in Path(f"/proc/{child._process.pid}/environ").read_bytes()
