"""Readings as HTML: in words for those who cannot see them, and with nobody's markup but ours."""

from app.readings import readings_html
from app.studio import Attribute, AttributeReading


def test_a_reading():
    eyes = Attribute("eyes_closed", "eyes_closed", "Eyes closed")
    text = readings_html([AttributeReading(eyes, before=-1.0, after=2.0, probability=0.934)])
    assert 'aria-label="Eyes closed: +2.0, was \u22121.0"' in text
    assert "<b>+2.0</b><small>93%</small>" in text
    assert 'class="ring" style="left:37.5%"' in text and 'class="dot" style="left:75.0%"' in text
    assert 'class="way" style="left:37.5%;width:37.5%"' in text


def test_next_to_nothing_has_no_sign_of_less():
    text = readings_html([AttributeReading(Attribute("a", "a", "A"), before=0.04, after=-0.04, probability=None)])
    assert 'aria-label="A: +0.0, was +0.0"' in text


def test_far_out_stays_on_the_meter():
    far = AttributeReading(Attribute("a", "a", "A"), before=-99.0, after=99.0, probability=None)
    text = readings_html([far])
    assert 'class="ring" style="left:0.0%"' in text and 'class="dot" style="left:100.0%"' in text
    assert "<small></small>" in text


def test_a_name_with_markup_is_only_a_name():
    nasty = Attribute("x", "x", '"><img src=x onerror=alert(1)>')
    text = readings_html([AttributeReading(nasty, 0.0, 0.0, None)])
    assert "<img" not in text and "&quot;&gt;&lt;img" in text
