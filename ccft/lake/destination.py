"""Where exports go: a local folder or object storage, through Arrow's file systems; no Spark, no JARs.

S3 (`s3a://`, `s3://`) takes keys, region and endpoint from the AWS environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, or from the provider chain of the machine.
"""

import os
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from pyarrow import fs

from ccft.errors import CcftError, fail

_S3: Final = frozenset({"s3", "s3a", "s3n"})
_CONNECT_SECONDS: Final = 10
_REQUEST_SECONDS: Final = 60


def _is_uri(text: str) -> bool:
    return "://" in text


def _normal(uri: str) -> tuple[str, str]:
    """Store and path of a destination or lake, comparable."""
    if not _is_uri(uri) or uri.startswith("file://"):
        return "file", str(Path(uri.removeprefix("file://")).resolve())
    parts = urlsplit(uri)
    scheme = "s3" if parts.scheme in _S3 else parts.scheme
    return f"{scheme}://{parts.netloc}", "/" + parts.path.strip("/")


def check_destination(uri: str, lake: str) -> None:
    """Refuse a destination that is a lake's own, or that says one thing and means another.

    Raises
    ------
    CcftError
        `CCFT-USAGE-EXPORT-DESTINATION`.
    """
    if not uri.strip():
        raise fail("CCFT-USAGE-EXPORT-DESTINATION", value=uri, reason="empty")
    if _is_uri(uri) and (".." in urlsplit(uri).path.split("/") or urlsplit(uri).query or "%" in uri):
        raise fail("CCFT-USAGE-EXPORT-DESTINATION", value=uri, reason="`..`, `?` and `%` are not taken literally")
    (store, path), (lake_store, lake_path) = _normal(uri), _normal(lake)
    if store == lake_store and PurePosixPath(path).is_relative_to(lake_path):
        raise fail("CCFT-USAGE-EXPORT-DESTINATION", value=uri, reason="it lies inside the lake")


def _s3() -> fs.FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
    )


class Destination:
    """A folder or bucket prefix that files are delivered to.

    Parameters
    ----------
    uri
        Local path or URI (`s3a://bucket/prefix`; what else Arrow knows: `gs://`, `abfss://`, `hdfs://`).
    """

    def __init__(self, uri: str) -> None:
        store, path = _normal(uri)
        self.is_local = store == "file"
        self.uri = path if self.is_local else uri.rstrip("/")
        try:
            if self.is_local:
                self._system: fs.FileSystem = fs.LocalFileSystem()
                self._root = path
            elif store.startswith("s3://"):
                self._system, self._root = _s3(), store.removeprefix("s3://") + path.rstrip("/")
            else:
                self._system, self._root = fs.FileSystem.from_uri(uri)
        except (OSError, ValueError) as error:  # an unknown scheme, a build of Arrow without it, no region
            raise fail("CCFT-USAGE-EXPORT-DESTINATION", value=uri, reason=str(error).splitlines()[0]) from error

    def _path(self, path: str) -> str:
        if any(part in {"", ".", ".."} for part in path.split("/")):
            raise ValueError(path)
        return f"{self._root}/{path}"

    def _check_links(self, path: str) -> None:
        """A link below the destination, set by whoever may write there, must not lead a delivery elsewhere."""
        if self.is_local:
            folder = Path(self._path(path)).parent
            if folder.resolve() != folder:
                raise fail("CCFT-USAGE-EXPORT-DESTINATION", value=str(folder), reason="it leads elsewhere by a link")

    def files(self, folder: str) -> dict[str, int]:
        """Files below a folder, relative to it, with their sizes; none when it is not there."""
        try:
            base = self._path(folder)
            found = self._system.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
        except OSError as error:
            raise _unavailable(error) from error
        return {info.path[len(base) + 1 :]: info.size for info in found if info.type == fs.FileType.File}

    def folders(self) -> list[str]:
        """Names of the folders at the top."""
        try:
            found = self._system.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
        except OSError as error:
            raise _unavailable(error) from error
        return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)

    def read(self, path: str) -> bytes:
        """Content of a file."""
        try:
            with self._system.open_input_stream(self._path(path)) as stream:
                content: bytes = stream.read()
        except OSError as error:
            raise _unavailable(error) from error
        return content

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all: object storage does so by itself, a folder gets it under another name first."""
        target = self._path(path)
        self._check_links(path)
        try:
            if not self.is_local:
                with self._system.open_output_stream(target) as stream:
                    stream.write(content)
                return
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            _write_whole(Path(target), content)
        except OSError as error:
            raise _unavailable(error) from error

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        target = self._path(path)
        self._check_links(path)
        try:
            if self.is_local:
                Path(target).unlink(missing_ok=True)
            else:
                self._system.delete_file(target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable(error) from error

    def delete_folder(self, folder: str) -> None:
        """Remove a folder with everything in it."""
        target = self._path(folder)
        self._check_links(f"{folder}/x")
        try:
            self._system.delete_dir(target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable(error) from error


def _write_whole(target: Path, content: bytes) -> None:
    """Under another name first, then renamed; a link that lies in wait under that name is removed, not followed."""
    partial = Path(f"{target}.part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb") as file:
        file.write(content)
    partial.replace(target)


def _unavailable(error: OSError) -> CcftError:
    return fail("CCFT-LAKE-STORAGE", reason=(str(error).splitlines() or [type(error).__name__])[0][:300])
