"""What is vendored is what was published, whole and with its licence; pages fetch nothing from anywhere else."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from reminder.resources import data_dir

STATIC = data_dir("templates") / "web" / "static"
VENDORED = {  # SHA-256 of the files inside npm's htmx.org-2.0.11.tgz and @picocss/pico-2.1.1.tgz
    "htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "htmx.LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    "pico.classless.min.css": "61207a40ffc02a42d1e50143651c121beab70ed413c934c1ff84fa263ba436b0",
    "pico.LICENSE.txt": "afaff063e044233f917b7807dccab022f09dca474f92b642846bee4850655bbf",
}


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_file_is_unchanged(name):
    assert sha256((STATIC / name).read_bytes()).hexdigest() == VENDORED[name]


def test_nothing_else_is_foreign():
    foreign = {path.name for path in STATIC.iterdir() if "min." in path.name or "LICENSE" in path.name}
    assert foreign == set(VENDORED)


def test_pages_and_styles_of_our_own_name_no_other_host():
    own = [*(data_dir("templates") / "web").rglob("*.html"), *STATIC.glob("reminder*.*"), *STATIC.glob("unit*.js")]
    assert len(own) > 3
    assert [path.name for path in own if re.search(r"(?:https?:)?//\w", path.read_text(encoding="utf-8"))] == []


def test_pages_have_neither_inline_scripts_nor_inline_styles():
    for path in (data_dir("templates") / "web").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|\|\s*safe", text) == [], path.name
