import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quantum import places


@pytest.mark.parametrize(
    "var", ["/short", "/" + "long/" * 30, "/with space", "/with%percent", "/med-æøå"], ids=lambda var: var[:8]
)
def test_the_socket_always_has_a_short_and_plain_path(var):
    path = places.socket(Path(var))
    assert path == places.socket(Path(var))
    assert len(str(path)) <= places.SOCKET_LENGTH
    assert set(str(path)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+")
    assert (path.parent == Path(var)) == (var == "/short")


def test_two_folders_have_two_sockets():
    assert places.socket(Path("/" + "a" * 200)) != places.socket(Path("/" + "b" * 200))


def test_a_private_folder_is_ours_alone(tmp_path):
    places.private_folder(tmp_path / "kv")
    assert stat.S_IMODE((tmp_path / "kv").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "kv")
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        places.private_folder(tmp_path / "link")


def test_the_key_is_made_once_whoever_comes_first(tmp_path):
    path = tmp_path / "secret-key"
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: places.secret_key(path), range(16)))
    assert len(made) == 1 and len(made.pop()) > 80
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.parametrize("packed", [False, True])
def test_the_build_is_the_commit(tmp_path, packed):
    commit = "0123456789abcdef" * 2 + "01234567"
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (tmp_path / "packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/main\n")
    else:
        (tmp_path / "refs/heads").mkdir(parents=True)
        (tmp_path / "refs/heads/main").write_text(commit + "\n")
    assert places.build(tmp_path) == "0123456789ab"


def test_a_copy_without_history_has_an_unknown_build(tmp_path):
    assert places.build(tmp_path) == "unknown"
