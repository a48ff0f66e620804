"""The map of faces: ordered as it says, every face once, and mixes between."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from app.face_map import COLUMNS, ROWS, MapRequest, values_of
from app.face_recipes import Drawn, Mixed
from app.page_state import PageState


@pytest.fixture
def asked(studio) -> MapRequest:
    return studio.map_request(MapRequest())


def test_rows_and_columns_are_in_order(studio, asked):
    found = studio.map(asked)
    values = [studio._pipe.directions.values(found.latents)[:, studio._pipe.directions.names.index(name)]
              for name in (asked.across, asked.up)]  # fmt: skip
    across, up = (value.view(ROWS, COLUMNS) for value in values)
    assert (across[:, :-1].max(0).values <= across[:, 1:].min(0).values).all()  # each column before the next
    assert (up.diff(dim=0) <= 0).all()
    assert len(set(found.faces)) == COLUMNS * ROWS


def test_axes_that_nobody_chose_show_and_differ(studio, asked, bare_studio):
    assert asked.across == studio.facts.attributes[0].name and asked.up not in ("", asked.across)
    assert bare_studio.map_request(MapRequest()) == MapRequest("~1", "~2")
    assert studio.map_request(MapRequest("age", "~2")) == MapRequest("age", "~2")


def test_principal_axes_are_those_of_the_latents(studio):
    latents = studio.map(MapRequest("~1", "~2")).latents.double()
    first, second = (values_of(latents, name, None) for name in ("~1", "~2"))
    spread = torch.linalg.eigvalsh(torch.cov(latents.T))
    raw = (latents - latents.mean(0)).T @ first / (len(latents) - 1)  # of a unit axis times its deviation
    assert float(raw.norm()) == pytest.approx(float(spread[-1].sqrt()), rel=1e-6)
    assert abs(float(first @ second)) < 1e-6


def test_a_place_is_a_face_or_a_mix_of_its_neighbours(studio, asked):
    found = studio.map(asked)
    assert found.at(0.5, 0.5) == found.faces[0] and found.at(COLUMNS, ROWS) == found.faces[-1]
    assert found.at(2.55, 1.45) == found.faces[COLUMNS + 2]  # near the middle it is the face itself
    mixed = found.at(3.0, 2.0).origin
    assert isinstance(mixed, Mixed) and [share for _, share in mixed.parts] == [0.25] * 4
    latent = studio.latent(found.at(3.0, 2.0))
    corners = [found.latents[row * COLUMNS + column] for column in (2, 3) for row in (1, 2)]
    assert torch.allclose(latent, torch.stack(corners).mean(0), atol=1e-5)
    beside = found.at(3.0, 2.5).origin
    assert len(beside.parts) == 2 and isinstance(beside.parts[0][0].origin, Drawn)


def test_shares_add_up_everywhere(studio, asked):
    found = studio.map(asked)
    for place in torch.rand(50, 2, generator=torch.Generator().manual_seed(0)).tolist():
        face = found.at(place[0] * COLUMNS, place[1] * ROWS)
        if isinstance(face.origin, Mixed):
            assert sum(share for _, share in face.origin.parts) == pytest.approx(1, abs=0.003)


def test_colours_say_how_much(studio, asked):
    assert studio.map_colours(asked) is None
    colours = studio.map_colours(replace(asked, colour=asked.across))
    columns = torch.tensor(colours).view(ROWS, COLUMNS).mean(0)
    assert (columns.diff() >= 0).all() and columns[0] < 0.3 and columns[-1] > 0.7


def test_the_picture_holds_all_faces(studio, bare_studio, asked):
    assert studio.map_picture(asked).size == (COLUMNS * 48, ROWS * 48)
    assert bare_studio.map_picture(bare_studio.map_request(MapRequest())).size == (COLUMNS * 48, ROWS * 32)


def test_a_link_says_the_map(asked):
    state = PageState("tiny", tab="map", map=MapRequest("age", "~1", "smiling", 3.25, 7.5))
    assert PageState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert "map" not in PageState("tiny").to_json()


def test_what_is_no_place_or_axis_is_refused(studio):
    with pytest.raises(ValueError, match="place across the map is 17"):
        MapRequest(x=17)
    with pytest.raises(ValueError, match="place down the map is None"):
        MapRequest(y=None)
    with pytest.raises(ValueError, match="'x' is no attribute"):
        studio.map(MapRequest("x", "~1"))
    with pytest.raises(ValueError, match="map's up is 3"):
        MapRequest(up=3)
