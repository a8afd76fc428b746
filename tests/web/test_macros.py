"""The macros, asked for what a screen reader needs. Nothing here touches a database."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, RadioField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Optional

from tracker.domain.duration import say_minutes
from tracker.web.filters import state

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "tracker" / "static"


class NoteForm(FlaskForm):  # type: ignore[misc]  # the library has no types
    note = StringField("Note", [InputRequired("Write a note.")])
    seen = BooleanField("I have read it", [InputRequired("Tick this.")])
    theme = RadioField(
        "Theme",
        choices=[SelectChoice("light", "Light"), SelectChoice("dark", "Dark")],
        validators=[InputRequired("Choose one.")],
    )
    password = PasswordField("Password", [Optional()])
    request_key = HiddenField(default="k-1")


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(STATIC))
    app.secret_key = "only for tests"
    CSRFProtect(app)
    app.jinja_env.filters |= {"minutes": say_minutes, "state": state}
    return app


@pytest.fixture(autouse=True)
def request_at_hand(app: Flask) -> Iterator[None]:
    with app.test_request_context("/", method="POST"):
        yield


def refused() -> NoteForm:
    form = NoteForm()
    assert not form.validate()
    return form


def draw(macro: str, call: str, **context: object) -> str:
    """The text that one macro call gives, with runs of white space folded."""
    name = call.partition("(")[0]
    text = render_template_string(f'{{% from "macros/{macro}.html" import {name} %}}{{{{ {call} }}}}', **context)
    return re.sub(r"\s+", " ", text).strip()


def test_a_field_is_named_by_its_label() -> None:
    text = draw("form", "field(form.note)", form=NoteForm())
    assert '<label class="field__label" for="note">Note</label>' in text
    assert "aria-invalid" not in text


def test_an_error_is_announced_and_belongs_to_its_field() -> None:
    text = draw("form", 'field(form.note, hint="One line.")', form=refused())
    assert '<p class="field__error" role="alert">Write a note.</p>' in text
    assert 'aria-describedby="note-hint note-error"' in text
    assert 'id="note-hint"' in text
    assert 'id="note-error"' in text
    assert 'aria-invalid="true"' in text


def test_a_tick_is_described_too() -> None:
    text = draw("form", "field(form.seen)", form=refused())
    assert 'aria-describedby="seen-error"' in text
    assert '<label class="field__label" for="seen">I have read it</label>' in text


def test_choices_are_a_group_with_a_legend() -> None:
    text = draw("form", "field(form.theme)", form=refused())
    assert '<legend class="field__label">Theme</legend>' in text
    assert re.search(r'<fieldset [^>]*aria-describedby="theme-error"', text)
    assert text.count('type="radio"') == 2


def test_a_field_that_may_stay_empty_says_so() -> None:
    text = draw("form", 'field(form.password, autocomplete="new-password")', form=NoteForm())
    assert "optional" in text
    assert 'autocomplete="new-password"' in text


def test_the_summary_is_announced_takes_the_focus_and_leads_to_the_fields() -> None:
    text = draw("form", "errors(form)", form=refused())
    assert re.search(r'<div class="summary" role="alert" tabindex="-1" autofocus>', text)
    assert '<a href="#note">Note: Write a note.</a>' in text


def test_a_form_without_errors_has_no_summary() -> None:
    assert draw("form", "errors(form)", form=NoteForm()) == ""


def test_hidden_fields_repeat_no_id_when_two_forms_share_a_page() -> None:
    text = draw("form", "hidden(form)", form=NoteForm())
    assert 'name="csrf_token"' in text
    assert 'name="request_key"' in text
    assert "id=" not in text


def test_a_button_of_its_own_carries_the_token_and_says_what_it_is_about() -> None:
    text = draw("form", 'post_button("/x", "Revoke", about="the token of Ann", hidden={"version": 3})')
    assert re.search(r'name="csrf_token" value="[^"]{20,}"', text)
    assert '<input type="hidden" name="version" value="3">' in text
    assert 'Revoke<span class="aside-text"> the token of Ann</span>' in text


def test_a_risky_step_is_asked_about_without_a_script() -> None:
    text = draw("form", 'post_button("/x", "Revoke", confirm="Programs are refused at once.")')
    assert "<details" in text
    assert text.index("Programs are refused at once.") < text.index("<button")


def test_text_from_outside_stays_text() -> None:
    assert "&lt;script&gt;" in draw("badge", 'chip("<script>", "red")')
    assert "&lt;script&gt;" in draw("empty", 'empty("Nothing.", "<script>")')


@pytest.mark.parametrize("tone", ["blue", "green", "amber", "violet", "grey", "red"])
def test_a_chip_always_has_a_word(tone: str) -> None:
    assert draw("badge", f'chip("Included", "{tone}")') == f'<span class="chip chip--{tone}">Included</span>'


@pytest.mark.parametrize(
    ("stage", "chip"),
    [
        ("in_uat", '<span class="chip chip--violet">In UAT</span>'),
        ("dns_verified", '<span class="chip chip--green">DNS verified</span>'),
        ("evaluated", '<span class="chip chip--grey">Evaluated</span>'),
    ],
)
def test_a_stage_is_written_as_people_say_it(stage: str, chip: str) -> None:
    assert draw("badge", f'stage("{stage}")') == chip


def test_what_a_thing_is_in_a_scope_has_one_word_and_colour_everywhere() -> None:
    assert draw("badge", 'scope_badge("ps")') == '<span class="chip chip--blue">PS hours</span>'
    assert draw("badge", 'scope_badge("ps", 2)') == '<span class="chip chip--blue">2 PS hours</span>'
    assert draw("badge", 'scope_badge("out_of_scope", 4)') == '<span class="chip chip--grey">4 out of scope</span>'


def test_a_bar_says_everything_in_words_and_hides_its_drawing() -> None:
    text = draw("hours", "bar(300, 195, 30, false)")
    words = re.sub(r"<[^>]+>", "", text).strip()
    assert words == "3 h 15 used · 30 min held · 1 h 15 left of 5 h"
    assert re.search(r'<svg [^>]*aria-hidden="true"', text)
    assert "style=" not in text


def test_a_bar_draws_used_and_held_one_after_the_other() -> None:
    text = draw("hours", "bar(300, 150, 30, false)")
    assert 'class="hours__used" x="0" y="3" width="500"' in text
    assert 'class="hours__held" x="500" y="3" width="100"' in text


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("bar(300, 240, 30, true)", "Close to its limit"),
        ("bar(300, 270, 30, true)", "Nothing left"),
        ("bar(0, 0, 0, false)", "No hours here yet"),
    ],
)
def test_a_warning_is_a_word_and_not_only_a_colour(call: str, word: str) -> None:
    assert word in draw("hours", call)


def test_a_date_is_told_in_words_beside_its_tile() -> None:
    assert 'aria-hidden="true"' in draw("date", 'date_tile("21", "Nov", "amber")')
    text = draw("date", 'when("Fri 21 Nov", "tomorrow", "amber", iso="2026-11-21")')
    assert '<time datetime="2026-11-21">Fri 21 Nov</time>' in text
    assert "tomorrow" in text


def test_a_table_names_itself_its_columns_and_how_it_is_sorted() -> None:
    heads = [{"label": "Site", "url": "?sort=site", "sorted": "ascending"}, {"label": "Left", "number": True}]
    source = '{% from "macros/table.html" import table %}{% call table(heads, caption="Hours") %}<tr></tr>{% endcall %}'
    text = re.sub(r"\s+", " ", render_template_string(source, heads=heads))
    assert '<caption class="aside-text">Hours</caption>' in text
    assert '<th scope="col" aria-sort="ascending">' in text
    assert '<th scope="col" class="table__number">' in text


def test_a_list_of_one_page_has_no_pager() -> None:
    assert draw("table", "pager()") == ""
    assert 'rel="next">Older' in draw("table", 'pager(older="?before=7")')


def test_an_empty_list_says_what_will_appear_and_offers_the_step() -> None:
    text = draw("empty", 'empty("No sites yet.", "They appear here.", "/new", "Add a site")')
    assert "<strong>No sites yet.</strong> They appear here." in text
    assert '<a class="button" href="/new">Add a site</a>' in text


def test_vendored_files_are_the_ones_on_record() -> None:
    for entry in json.loads((STATIC / "vendored.json").read_text()):
        assert sha256((STATIC / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_every_style_sheet_is_linked_and_every_link_has_its_file() -> None:
    base = (ROOT / "templates" / "base.html").read_text()
    listed = re.search(r"set stylesheets = \[(.*?)\]", base, re.DOTALL)
    assert listed
    css = STATIC / "css"
    files = {path.relative_to(css).with_suffix("").as_posix() for path in css.rglob("*.css")}
    assert set(re.findall(r'"([a-z/]+)"', listed[1])) == files
