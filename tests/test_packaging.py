"""The folders, and what pyproject.toml says of them: a package that is not listed is missing from the wheel."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TOP = ("router", "policies", "providers", "gateway")


def listed() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_with_an_init_is_listed_and_nothing_else_is() -> None:
    inits = [init for top in TOP for init in (ROOT / top).rglob("__init__.py")]
    folders = {"paceline." + ".".join(init.parent.relative_to(ROOT).parts) for init in inits}

    assert sorted(listed()["packages"]) == sorted(folders)


def test_every_folder_with_modules_has_an_init() -> None:
    modules = [module for top in TOP for module in (ROOT / top).rglob("*.py")]

    assert [module for module in modules if not (module.parent / "__init__.py").exists()] == []


def test_each_top_folder_is_the_package_of_its_name() -> None:
    assert listed()["package-dir"] == {f"paceline.{top}": top for top in TOP}


@pytest.mark.parametrize("top", TOP)
def test_each_of_the_four_packages_says_that_it_is_typed(top: str) -> None:
    assert (ROOT / top / "py.typed").is_file()


def test_what_says_typed_is_packed() -> None:
    assert listed()["package-data"]["*"] == ["py.typed"]


def test_the_page_of_the_dashboard_is_packed() -> None:
    assert listed()["package-data"]["paceline.gateway.dashboard"] == ["page/*"]
    assert (ROOT / "gateway" / "dashboard" / "page" / "index.html").is_file()


def test_paceline_itself_stays_a_namespace() -> None:
    assert not (ROOT / "__init__.py").exists()
    assert "paceline" not in listed()["packages"]
