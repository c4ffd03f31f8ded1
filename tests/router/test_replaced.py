"""`replace`: a file is the old one or the new one, and nothing else is left behind."""

import os
import stat
from pathlib import Path

import pytest

from paceline.router.replaced import replace


def test_a_file_holds_what_was_written_last(tmp_path: Path) -> None:
    path = tmp_path / "file"

    replace(path, b"old and long")
    replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    replace(tmp_path / "file", b"new")

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_the_old_file_stays_where_the_new_one_cannot_be_written(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, b"new")

    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_through_a_link_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")

    replace(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_where_a_folder_cannot_be_opened_the_file_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"

    opens = os.open

    def opens_no_folder(where: Path | str, *how: int) -> int:
        if Path(where).is_dir():
            raise PermissionError(13, "Permission denied")
        return opens(where, *how)

    monkeypatch.setattr(os, "open", opens_no_folder)
    replace(path, b"new")

    assert path.read_bytes() == b"new"
