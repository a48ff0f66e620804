"""What the files around the code say agrees with each other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from test_architecture import ROOMS

import modeling_vae

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), ROOT / "mkdocs.yml"])
FORMS = sorted([*ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"])


def test_one_version():
    assert PROJECT["project"]["version"] == modeling_vae.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == modeling_vae.__version__
    assert "## UNRELEASED" in (ROOT / "CHANGELOG.md").read_text()


def test_one_ruff():
    (pinned,) = re.findall(r'"ruff==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["rev"] for repo in repos if "ruff" in repo["repo"]] == [f"v{pinned}"]


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_forms_can_be_read(file):
    assert isinstance(yaml.safe_load(file.read_text()), dict)


def test_the_package_is_typed():
    assert (Path(modeling_vae.__file__).parent / "py.typed").is_file()
    assert "Typing :: Typed" in PROJECT["project"]["classifiers"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_know_no_machine(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", text)


def test_every_page_of_the_site_is_in_its_menu():
    menu = json.dumps(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert {page for page in pages if f'"{page}"' not in menu} == set()


def test_every_room_is_described():
    page = (ROOT / "docs" / "reference" / "rooms.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"`{room}`" not in page and f"`{room}/`" not in page] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: page.name)
def test_every_link_to_a_file_leads_there(page):
    """Those to the bundled models' pictures are made when the site is built."""
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    own = [link for link in links if "://" not in link and not link.startswith("models/")]
    assert [link for link in own if not (page.parent / link).exists()] == []
