"""Templates of the office's own: which file wins, what they may not do, and how their faults are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from compose_cast import MONDAY, SHANGHAI, circumstances, dated, reminder

from reminder.compose import (
    TemplateFault,
    check_templates,
    compose,
    eject,
    forget_templates,
    render_body,
    samples,
    templates_known,
)
from reminder.domain.message import Letter
from reminder.domain.reminder import ReminderKind
from reminder.words import LOCALES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*LOCALES, "webhook"):
        (tmp_path / name).mkdir()
    return tmp_path


def overdue(folder: Path | None) -> Letter:
    return compose([reminder(ReminderKind.OVERDUE, [dated("7", MONDAY)])], circumstances(folder=folder))


@pytest.mark.parametrize("locale", LOCALES)
def test_built_in_templates_have_no_fault(locale: str) -> None:
    assert check_templates(None, locale) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_has_its_parts_in_every_locale(locale: str) -> None:
    parts = ("subject.txt", "brief.txt", "text.txt", "html", "words.txt")
    assert {f"{locale}/{kind}.{part}" for kind in ReminderKind for part in parts} <= set(templates_known())


def test_locales_have_the_same_files() -> None:
    files = [
        {name.partition("/")[2] for name in templates_known([locale]) if name.startswith(locale)} for locale in LOCALES
    ]
    assert all(known == files[0] for known in files)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_letter_reads_the_same_by_built_in_templates_joined_and_by_the_same_templates_apart(
    folder: Path, locale: str
) -> None:
    own = f"{locale}/overdue.brief.txt"
    (folder / own).write_text(eject(own), encoding="utf-8")  # one of its own, and none is joined any more
    told = samples(locale, MONDAY, SHANGHAI)
    late = [replace(one, late=True, instead_of="x") for one in told]
    full = circumstances(locale=locale, link="https://example.org/", redirected_from="y")
    bare = circumstances(locale=locale, contact="", replies=False, number="")
    for together in (*([one] for one in (*told, *late)), told, [*told, *late]):
        for around in (full, bare):
            assert compose(together, around) == compose(together, replace(around, folder=folder))


def test_samples_are_one_of_each_kind() -> None:
    assert [sample.firing.kind for sample in samples("en", MONDAY, SHANGHAI)] == list(ReminderKind)


def test_a_file_in_the_folder_wins_alone_once_templates_are_read_anew(folder: Path) -> None:
    assert "━━ 已逾期" in overdue(folder).text
    (folder / "zh_CN" / "overdue.text.txt").write_text("请看：{{ section.count }}\n", encoding="utf-8")
    assert "━━ 已逾期" in overdue(folder).text
    forget_templates()
    assert "请看：1" in overdue(folder).text
    assert "已逾期（1 项）" in overdue(folder).html


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("第一行\n{% if %}", 2, "Expected an expression"),
        ("第一行\n\n{{ sectoin.count }}", 3, "'sectoin' is undefined"),
        ("{{ section.count }}\n{{ section.cuont }}", 2, "has no attribute 'cuont'"),
        ('{% include "nowhere.txt" %}', 1, "there is no template nowhere.txt"),
        ('{% include "../../secret.txt" %}', 1, "there is no template"),
        ("{{ 'a' * 300000000 }}", 1, "operator * is not available"),
        ("{{ '%0500000000d' % 1 }}", 1, "operator % is not available"),
        ("{{ '{:0500000000d}'.format(1) }}", 1, "is not available"),
        ("{{ 'a'.center(300000000) }}", 1, "unsafe"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{% import 'due.words.txt' as words with context %}\n{{ words._body_stream }}", 2, "unsafe"),
        ("{{ section.update({'count': 0}) }}", 1, "attribute 'update' of 'dict' object is unsafe"),
        ("{{ recipient|safe }}", 1, "No filter named 'safe'"),
        ("{% for a in recipient|list %}{{ range(9) }}{% endfor %}", 1, "'range' is undefined"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", 1, "recursion"),
    ],
)
def test_a_bad_template_is_told_with_file_and_line(folder: Path, text: str, line: int, told: str) -> None:
    path = folder / "zh_CN" / "overdue.text.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateFault, match=told.replace("*", r"\*")) as caught:
        overdue(folder)
    assert (caught.value.file, caught.value.line) == (str(path), line)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_the_output_is_bounded(folder: Path) -> None:
    text = "{% for a in office|list %}" * 5 + "整改" * 50 + "{% endfor %}" * 5
    (folder / "zh_CN" / "overdue.text.txt").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateFault, match="longer than 200 kB"):
        overdue(folder)


def test_a_file_in_another_encoding_stops_only_what_needs_it(folder: Path) -> None:
    path = folder / "zh_CN" / "nudge.text.txt"
    path.write_bytes("第一行\n".encode() + "催办".encode("gb18030"))
    assert overdue(folder).text
    (fault,) = check_templates(folder, "zh_CN")
    assert (fault.file, fault.line, fault.text) == (str(path), 2, "not UTF-8: save the file as UTF-8")


def test_check_names_what_no_letter_uses_and_what_no_file_answers(folder: Path) -> None:
    (folder / "zh_CN" / "overdeu.html").write_text("", encoding="utf-8")
    (folder / "zh_CN" / "urgent.html").write_text("<p></p>", encoding="utf-8")
    missing, stranger = check_templates(folder, "zh_CN", ["urgent", "absent"])
    assert (missing.file, missing.warning) == ("absent", False)
    assert stranger.warning
    assert stranger.text == "no letter uses this file; did you mean zh_CN/overdue.html"


def test_check_names_stale_copies(folder: Path) -> None:
    copy = eject("en/due.html")
    path = folder / "en" / "due.html"
    path.write_text(copy, encoding="utf-8")
    assert check_templates(folder, "en") == []
    path.write_text(copy.replace(copy[16:28], "0" * 12), encoding="utf-8")
    (fault,) = check_templates(folder, "en")
    assert fault.warning
    assert "has changed since this copy was ejected" in fault.text


def test_an_ejected_copy_changes_nothing(folder: Path) -> None:
    for name in templates_known():
        (folder / name).write_text(eject(name), encoding="utf-8")
    assert overdue(folder) == overdue(None)
    assert render_body("slack", overdue(None), folder) == render_body("slack", overdue(None))


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "is not JSON"), ('{"a": NaN}', "NaN is not JSON"), ("{{ nothing }}", "'nothing' is undefined")],
)
def test_a_webhook_body_that_is_no_json_is_a_fault(folder: Path, text: str, told: str) -> None:
    path = folder / "webhook" / "ours.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateFault, match=told):
        render_body("ours", overdue(None), folder)
    assert [fault.file for fault in check_templates(folder, "en")] == [str(path)]


def test_a_webhook_body_nobody_wrote_is_a_fault() -> None:
    with pytest.raises(TemplateFault, match=r"there is no template nobody\.json"):
        render_body("nobody", overdue(None))
