"""Destinations: what is refused, that writes are whole, and that no link leads a delivery elsewhere."""

import os

import pytest

from ccft.errors import CcftError
from ccft.lake.destination import Destination, check_destination


@pytest.mark.parametrize(
    ("destination", "lake"),
    [
        ("{tmp}/lake", "{tmp}/lake"),
        ("{tmp}/lake/", "{tmp}/lake"),
        ("{tmp}/lake/exports", "{tmp}/lake"),
        ("{tmp}/other/../lake/x", "{tmp}/lake"),
        ("file://{tmp}/lake/x", "{tmp}/lake"),
        ("{tmp}/link/x", "{tmp}/lake"),
        ("s3a://bucket/lake/x", "s3a://bucket/lake"),
        ("s3://bucket/lake", "s3a://bucket/lake/"),
        ("s3a://bucket/other/../lake", "s3a://bucket/lake"),
        ("s3a://bucket/other/%2e%2e/lake", "s3a://bucket/lake"),
        ("", "{tmp}/lake"),
    ],
)
def test_a_destination_inside_the_lake_is_refused(destination, lake, tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    with pytest.raises(CcftError, match="CCFT-USAGE-EXPORT-DESTINATION") as caught:
        check_destination(destination.format(tmp=tmp_path), lake.format(tmp=tmp_path))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("destination", "lake"),
    [
        ("/data/lake-exports", "/data/lake"),
        ("/data", "/data/lake"),
        ("s3a://bucket/lake2", "s3a://bucket/lake"),
        ("s3a://other/lake/x", "s3a://bucket/lake"),
        ("s3a://bucket/lake", "/bucket/lake"),
    ],
)
def test_a_destination_beside_the_lake_is_not(destination, lake):
    check_destination(destination, lake)


def test_an_unknown_store_is_refused():
    with pytest.raises(CcftError, match="CCFT-USAGE-EXPORT-DESTINATION"):
        Destination("gopher://host/x")


def test_files_come_back_as_written(tmp_path):
    destination = Destination(str(tmp_path / "out"))
    assert destination.files("1/x") == {}
    destination.write("1/x/a b/c=d/file.bin", b"old")
    destination.write("1/x/a b/c=d/file.bin", b"content")
    assert destination.files("1/x") == {"a b/c=d/file.bin": 7}
    assert destination.read("1/x/a b/c=d/file.bin") == b"content"
    destination.delete("1/x/a b/c=d/file.bin")
    destination.delete("1/x/a b/c=d/file.bin")
    assert destination.files("1/x") == {}


def test_a_write_that_dies_leaves_the_old_file_whole(tmp_path, monkeypatch):
    destination = Destination(str(tmp_path))
    destination.write("1/x/file", b"old")

    def die(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", die)
    with pytest.raises(KeyboardInterrupt):
        destination.write("1/x/file", b"new and longer")
    assert destination.read("1/x/file") == b"old"


@pytest.mark.parametrize("path", ["../x", "1/../../x", "/etc/passwd", "1//x", "1/./x", ""])
def test_paths_do_not_leave_the_destination(path, tmp_path):
    destination = Destination(str(tmp_path))
    for action in (
        lambda: destination.write(path, b"x"),
        lambda: destination.delete(path),
        lambda: destination.read(path),
    ):
        with pytest.raises(ValueError):
            action()


def test_a_link_below_the_destination_is_not_followed(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"theirs")
    (tmp_path / "out" / "1").mkdir(parents=True)
    (tmp_path / "out" / "1" / "x").symlink_to(tmp_path / "secret")
    destination = Destination(str(tmp_path / "out"))
    for action in (lambda: destination.write("1/x/file", b"x"), lambda: destination.delete("1/x/file")):
        with pytest.raises(CcftError, match="CCFT-USAGE-EXPORT-DESTINATION"):
            action()
    assert (tmp_path / "secret" / "file").read_bytes() == b"theirs"


def test_a_link_in_wait_for_an_unfinished_file_is_not_followed(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "out" / "1").mkdir(parents=True)
    (tmp_path / "out" / "1" / "file.part").symlink_to(tmp_path / "theirs")
    Destination(str(tmp_path / "out")).write("1/file", b"new")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert (tmp_path / "out" / "1" / "file").read_bytes() == b"new"


def test_folders_are_those_at_the_top(tmp_path):
    destination = Destination(str(tmp_path / "out"))
    assert destination.folders() == []
    destination.write("000000000002/x/file", b"x")
    destination.write("000000000001/x/file", b"x")
    (tmp_path / "out" / "file").write_bytes(b"x")
    assert destination.folders() == ["000000000001", "000000000002"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_storage_out_of_reach_is_exit_code_3(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(CcftError) as caught:
        Destination(str(tmp_path / "locked")).write("1/x/file", b"x")
    assert caught.value.exit_code == 3


def test_a_file_in_the_way_is_storage_out_of_reach(tmp_path):
    (tmp_path / "1").write_bytes(b"a file where a folder should be")
    with pytest.raises(CcftError) as caught:
        Destination(str(tmp_path)).write("1/x/file", b"x")
    assert caught.value.exit_code == 3
