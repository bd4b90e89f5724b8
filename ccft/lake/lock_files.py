"""Where the files of a lake's lock lie: what the lock asks of storage, on a file system and on everything that Hadoop reaches.

The lock needs two guarantees: a file is created by one process only, and a listing shows what was created before. A file system gives the first by an
exclusive open, HDFS and Azure by a create that refuses to overwrite, S3 by a put with `If-None-Match: *`.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Final, Protocol

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from ccft.errors import fail

FOLDER: Final = "_ccft_lock"
STORAGE_ERRORS: Final = (OSError, Py4JError)
"""What storage raises when it is out of reach."""

_CONDITIONAL: Final = "fs.option.create.conditional.overwrite"
"""Hadoop's option for a file that comes into being when it is closed, if there is none by then."""
_READS: Final = 5
"""A file is rewritten every few seconds at most: one of so many reads meets it at rest."""
_S3: Final = frozenset({"s3a", "s3", "s3n"})


class LockFiles(Protocol):
    """Small files in one folder."""

    @property
    def address(self) -> str:
        """The folder, as a person would name it."""

    def names(self) -> list[str]:
        """Names of the files that are there."""

    def read(self, name: str) -> str:
        """Content of a file; empty when it is not there."""

    def create(self, name: str, text: str) -> bool:
        """Create a file; False when there is one. Of many processes at once, one gets True."""

    def write(self, name: str, text: str) -> None:
        """Replace a file."""

    def delete(self, name: str) -> None:
        """Remove a file; nothing when it is not there."""


class FolderFiles:
    """Files in a folder of a file system."""

    def __init__(self, root: str) -> None:
        self._folder = Path(root.removeprefix("file://")) / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self.address = str(self._folder)

    def names(self) -> list[str]:
        """See `LockFiles`."""
        return [path.name for path in self._folder.iterdir() if path.suffix == ".json"]

    def read(self, name: str) -> str:
        """See `LockFiles`."""
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def create(self, name: str, text: str) -> bool:
        """See `LockFiles`."""
        try:
            descriptor = os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return True

    def write(self, name: str, text: str) -> None:
        """See `LockFiles`; a reader sees the old content or the new one."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, delete=False) as part:
            part.write(text)
        Path(part.name).replace(self._folder / name)

    def delete(self, name: str) -> None:
        """See `LockFiles`."""
        (self._folder / name).unlink(missing_ok=True)


class HadoopFiles:
    """Files in a folder that the session's own Hadoop client reaches: the endpoint and the credentials are those that tables are written with.

    Parameters
    ----------
    spark
        Session of this process; its settings say how storage is reached.
    root
        URI of the lake.

    Raises
    ------
    CcftError
        `CCFT-LAKE-STORAGE` when the client cannot create a file that only one process gets.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._jvm: Any = spark.sparkContext._jvm  # noqa: SLF001 - Spark has no public way to the file system of its session
        configuration = spark.sparkContext._jsc.hadoopConfiguration()  # noqa: SLF001
        self._folder = self._path(f"{root.rstrip('/')}/{FOLDER}")
        self._system: Any = self._folder.getFileSystem(configuration)
        self._is_conditional = bool(self._system.hasPathCapability(self._folder, _CONDITIONAL))
        self._is_s3 = root.partition("://")[0] in _S3
        if self._is_s3 and not self._is_conditional:
            raise fail(
                "CCFT-LAKE-STORAGE", reason=f"{root}: conditional writes are off (fs.s3a.create.conditional.enabled)"
            )
        self.address = f"{root.rstrip('/')}/{FOLDER}"

    def _path(self, *parts: object) -> Any:  # noqa: ANN401 - a Java object
        return self._jvm.org.apache.hadoop.fs.Path(*parts)

    def names(self) -> list[str]:
        """See `LockFiles`."""
        if not self._system.exists(self._folder):
            return []
        found = [str(status.getPath().getName()) for status in self._system.listStatus(self._folder)]
        return [name for name in found if name.endswith(".json")]

    def read(self, name: str) -> str:
        """See `LockFiles`."""
        path = self._path(self._folder, name)
        for left in reversed(range(_READS)):
            try:
                return self._text(path)
            except Py4JError:
                # S3A insists on the version that it looked up first; its owner may have rewritten or a newer one removed it since.
                if not self._system.exists(path):
                    return ""
                if not left:
                    raise
        return ""

    def _text(self, path: Any) -> str:  # noqa: ANN401 - a Java object
        stream = self._system.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def create(self, name: str, text: str) -> bool:
        """See `LockFiles`. A store that takes the same file twice is no store for a lock: it is asked each time."""
        if not self._put_if_absent(name, text):
            return False
        if self._is_s3 and self._put_if_absent(name, f"{text}\n"):
            self.delete(name)
            reason = f"{self.address}: the server ignores If-None-Match, so it cannot keep writers apart"
            raise fail("CCFT-LAKE-STORAGE", reason=reason)
        return True

    def _put_if_absent(self, name: str, text: str) -> bool:
        path = self._path(self._folder, name)
        try:
            if self._is_conditional:
                # Overwrite means: no look before. The server looks when the file is closed.
                builder = self._system.createFile(path).recursive().overwrite(True)  # noqa: FBT003 - Java
                stream = builder.must(_CONDITIONAL, True).build()  # noqa: FBT003 - Java
            else:
                stream = self._system.create(path, False)  # noqa: FBT003 - Java
            stream.write(text.encode())
            stream.close()
        except Py4JError:
            if not self._system.exists(path):
                raise
            # A put that succeeded without an answer is tried again by the client, and refused: the file is ours all the same.
            return self.read(name) == text
        return True

    def write(self, name: str, text: str) -> None:
        """See `LockFiles`."""
        stream = self._system.create(self._path(self._folder, name), True)  # noqa: FBT003 - Java
        stream.write(text.encode())
        stream.close()

    def delete(self, name: str) -> None:
        """See `LockFiles`."""
        self._system.delete(self._path(self._folder, name), False)  # noqa: FBT003 - Java
