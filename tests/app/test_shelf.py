"""Models are loaded when they are asked for, and never by a path from outside."""

import shutil

import pytest

from app.shelf import MOST_LOADED, Shelf, name_of


def test_a_model_is_loaded_once_and_shares_the_photos(studio, published):
    shelf = Shelf(studio, {"other": published})
    assert shelf.names == ["tiny", "other"] and shelf.studio("tiny") is studio
    other = shelf.studio("other")
    assert shelf.studio("other") is other and other.photos.uploads is studio.photos.uploads


def test_a_few_stay_loaded(studio, published):
    folders = {str(number): published for number in range(MOST_LOADED + 1)}
    shelf = Shelf(studio, folders)
    first = shelf.studio("0")
    for name in folders:
        shelf.studio(name)
    assert shelf.studio("0") is not first


@pytest.mark.parametrize("name", ["", 7, "a" * 500, "gone", "/etc", "../x", "a/b/c", "./a", "a\0/b"])
def test_what_is_not_on_offer(studio, name):
    with pytest.raises(ValueError, match="on offer|user/name"):
        Shelf(studio).studio(name)


def test_folders_of_this_machine_only_where_that_is_allowed(studio, published, tmp_path):
    folder = tmp_path / "runs" / "mine" / "published"
    shutil.copytree(published, folder)
    assert name_of(folder) == "mine" and name_of(folder.parent) == "mine"
    with pytest.raises(ValueError, match="not on offer"):
        Shelf(studio).studio(str(folder))
    assert Shelf(studio, any_folder=True).studio(str(folder)).facts.attributes == studio.facts.attributes


def test_a_hub_id_that_cannot_be_reached_is_a_sentence(studio):
    with pytest.raises(ValueError, match="The model nobody/nothing cannot be loaded"):
        Shelf(studio).studio("nobody/nothing")
