# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The shared partials: what they say, and what no template may contain under our policy."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation

from accounts.templatetags import ui

TEMPLATES = Path(settings.BASE_DIR) / "templates"
START = datetime(2025, 11, 20, 10, 42, 2, 204_000, tzinfo=UTC)
SPRITE = (Path(settings.BASE_DIR) / "static" / "img" / "sprite.svg").read_text()


def node(name: str, *, state: str = "succeeded", after: float | None = 0, seconds: float | None = 1, **more: object):
    started = None if after is None else START + timedelta(seconds=after)
    told = {"tokens": None, "cost": None, **more}
    return {"id": name, "kind": "llm", "state": state, "started_at": started, "duration_seconds": seconds, **told}


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_has_nothing_inline_that_the_policy_would_block(path):
    source = path.read_text()

    assert not re.search(r"\sstyle\s*=", source)
    assert not re.search(r"\son[a-z]+\s*=", source)
    assert not re.search(r"<(style|script)\b", source)
    assert get_template(str(path.relative_to(TEMPLATES)))


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sources = [path.read_text() for path in TEMPLATES.rglob("*.html")]
    named = {name for source in sources for name in re.findall(r'ui/icon\.html" with name="([^"]+)"', source)}
    named |= set(ui._KIND_ICONS.values()) | set(ui._FILE_ICONS.values())
    drawn = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))

    assert len(named) > 20
    assert named <= drawn


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        ("queued", "queue"),
        ("running", "run"),
        ("waiting", "wait"),
        ("succeeded", "ok"),
        ("failed", "fail"),
        ("cancelled", "skip0"),
        ("step.retry", "wait"),
        ("run.accepted", "queue"),
        ("never heard of", "queue"),
    ],
)
def test_a_status_has_its_mark(status, mark):
    assert ui.mark(status) == mark


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        ("", "–"),
        (0.04, "40 ms"),
        (6.84, "6.8 s"),
        (59.96, "1 m 00 s"),
        (185, "3 m 05 s"),
        (7260, "2 h 01 m"),
    ],
)
def test_a_duration_reads_as_the_scripts_write_it(seconds, text):
    assert ui.duration(seconds) == text


@pytest.mark.parametrize(("age", "text"), [(20, "now"), (90, "1 minute ago"), (200_000, "2 days ago")])
def test_an_age_is_told_in_its_largest_unit(age, text):
    with translation.override("en"):
        assert ui.ago(timezone.now() - timedelta(seconds=age)).replace("\xa0", " ") == text


def test_a_cost_that_was_not_measured_is_a_dash_and_not_a_zero():
    assert (ui.cost(None), ui.cost("0"), ui.cost("0.02264")) == ("–", "$0.0000", "$0.0226")
    assert (ui.cost("0.00003465"), ui.cost("0.00005"), ui.cost("1E-8")) == ("<$0.0001", "$0.0001", "<$0.0001")


def test_the_timeline_adds_up_to_what_it_shows():
    # given
    nodes = [
        node("plan", after=0, seconds=6, tokens=4224, cost="0.0224"),
        node("find", after=6, seconds=36, tokens=64, cost="0.0002"),
        node("open", state="queued", after=None, seconds=None),
    ]
    # when
    time = ui.timeline({"nodes": nodes})
    # then
    assert (ui.duration(time["seconds"]), ui.count(time["tokens"]), ui.cost(time["cost"])) == (
        "42.0 s",
        "4,288",
        "$0.0226",
    )
    assert (time["axis"], time["done"]) == ("60 s", 2)
    assert [(row["x"], row["width"]) for row in time["rows"]] == [("0.00%", "10.00%"), ("10.00%", "60.00%"), ("0", "0")]


def test_a_run_without_steps_still_has_a_timeline():
    assert "0 – 1 s" in render_to_string("ui/run_timeline.html", {"run": {"nodes": [], "entries": []}})


def test_the_console_shows_a_message_as_text():
    entry = {
        "seq": 3,
        "at": START.isoformat(),
        "type": "note",
        "node_id": None,
        "level": "error",
        "message": "<b>x</b>",
    }

    page = render_to_string("ui/run_console.html", {"run": {"status": "running", "entries": [entry]}})

    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page
    assert 'id="L3" class="hl"' in page
    assert '10:42:02<span class="ms">.204</span>' in page


def test_a_field_names_its_hint_and_its_error_to_a_screen_reader():
    # given
    class Limit(forms.Form):
        limit = forms.DecimalField(min_value=0, help_text="In dollars")

    form = Limit({"limit": "-1"})
    # when
    page = render_to_string("ui/field.html", {"field": form["limit"]})
    # then
    assert 'aria-describedby="id_limit_helptext id_limit_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'id="id_limit_helptext"' in page
    assert 'id="id_limit_error"' in page


def test_a_meter_warns_before_it_is_full_and_survives_having_no_limit():
    assert ui.meter_state(84, 100) == {"percent": "84.00", "is_near": False}
    assert ui.meter_state(85, 100)["is_near"] is True
    assert ui.meter_state(300, 100)["percent"] == "100.00"
    assert ui.meter_state(5, 0) == {"percent": "0.00", "is_near": False}


@pytest.mark.parametrize("code", [400, 403, 404, 413, 429, 500, 503])
def test_an_error_page_needs_neither_a_build_nor_a_script(code):
    page = render_to_string(f"errors/{code}.html")

    assert f">{code}<" in page
    assert page.count("<h1>") == 1
    assert "<script" not in page
    assert "dist/" not in page
