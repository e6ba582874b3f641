"""Files of the workspace: in and out by explicit calls, whatever hostile code left there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, files
from agentlab_tools.execute.inside import trees


@pytest.fixture
def root(tmp_path: Path) -> int:
    (tmp_path / "workspace").mkdir()
    return os.open(tmp_path / "workspace", os.O_RDONLY | os.O_DIRECTORY)


async def test_files_go_in_and_out(sandbox: Sandbox, tmp_path: Path) -> None:
    await sandbox.write_file("data/in.txt", "héllo")
    result = await sandbox.run_python("""
import os
text = open('data/in.txt').read()
open('data/out.txt', 'w').write(text.upper())
os.remove('data/in.txt')
""")
    assert result.outcome == "ok", result.error
    assert (await sandbox.read_file("data/out.txt")).decode() == "HÉLLO"
    assert [file.path for file in await sandbox.list_files()] == ["data/out.txt"]
    (tmp_path / "host.bin").write_bytes(bytes(range(256)))
    await sandbox.put(tmp_path / "host.bin", "copy.bin")
    await sandbox.get("copy.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == bytes(range(256))


async def test_a_folder_is_copied_in_at_the_start_without_its_links(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("a")
    (tmp_path / "link").symlink_to("/etc/passwd")
    async with Sandbox.open(workspace=tmp_path, spare=False) as sandbox:
        assert [file.path for file in await sandbox.list_files()] == ["sub/a.txt"]
        await sandbox.run_python("open('sub/a.txt', 'w').write('changed')")
    assert (tmp_path / "sub" / "a.txt").read_text() == "a"


async def test_the_quota_holds_for_the_host_too() -> None:
    limits = SandboxLimits(disk=4 << 20)
    async with Sandbox.open(limits=limits, spare=False) as sandbox:
        with pytest.raises(WorkspaceError, match="larger than the whole"):
            await sandbox.write_file("big", bytes(5 << 20))
        await sandbox.write_file("some", bytes(3 << 20))
        if sandbox.level == "strong":
            with pytest.raises(WorkspaceError, match="full"):
                await sandbox.write_file("more", bytes(2 << 20))
            assert [file.path for file in await sandbox.list_files()] == ["some"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../x", "not allowed"),
        ("a/../../x", "not allowed"),
        ("/etc/passwd", "outside"),
        ("", "names no file"),
        (".", "names no file"),
        ("a\0b", "NUL"),
    ],
)
def test_paths_that_lead_out_are_refused(path: str, why: str) -> None:
    with pytest.raises(WorkspaceError, match=why):
        files.parts(path)


def test_a_path_from_the_sandboxs_own_root_is_understood() -> None:
    assert files.parts("/workspace/a/b") == ("a", "b")


def test_what_is_no_plain_file_is_not_read(root: int, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    workspace = tmp_path / "workspace"
    (workspace / "link").symlink_to(outside / "secret")
    (workspace / "folder").symlink_to(outside)
    (workspace / "hard").hardlink_to(outside / "secret")
    os.mkfifo(workspace / "pipe")
    (workspace / "zero").symlink_to("/dev/zero")
    (workspace / "real").mkdir()
    for path, why in (
        ("link", "symbolic link"),
        ("folder/secret", "not a folder|symbolic link"),
        ("hard", "other names"),
        ("pipe", "not a regular file"),
        ("zero", "symbolic link"),
        ("real", "folder|regular"),
        ("none", "no none"),
    ):
        with pytest.raises(WorkspaceError, match=why):
            files.read(root, files.parts(path), 1000)
    assert [file.path for file in files.listing(root, 100)] == ["hard"]
    os.close(root)


def test_writing_replaces_a_link_and_never_follows_it(root: int, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "workspace" / "f").symlink_to(tmp_path / "victim")
    (tmp_path / "workspace" / "d").symlink_to(tmp_path)
    files.write(root, ("f",), b"new")
    with pytest.raises(WorkspaceError):
        files.write(root, ("d", "victim"), b"new")
    assert (tmp_path / "victim").read_text() == "untouched"
    assert files.read(root, ("f",), 10) == b"new"
    os.close(root)


def test_a_file_larger_than_the_cap_is_not_read(root: int, tmp_path: Path) -> None:
    (tmp_path / "workspace" / "big").write_bytes(bytes(101))
    with pytest.raises(WorkspaceError, match="larger than 100"):
        files.read(root, ("big",), 100)
    assert len(files.read(root, ("big",), 101)) == 101
    os.close(root)


def test_a_tree_of_any_depth_and_mode_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    (tmp_path / "outside").write_text("stays")
    here = os.open(top, os.O_RDONLY)
    for _ in range(1200):  # far beyond the longest path, and the deepest recursion
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("leaf", os.O_CREAT, dir_fd=here))
    os.close(here)
    (top / "link").symlink_to(tmp_path / "outside")
    (top / "locked").mkdir(mode=0)
    trees.remove(str(top))
    assert not top.exists()
    assert (tmp_path / "outside").read_text() == "stays"
