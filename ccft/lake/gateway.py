"""Classes of the JVM that PySpark looks up by name for every column, looked up once.

`F.col("x")` asks the JVM what `functions` is, then what its member `col` is, then calls it. The first question is not answered from memory: the JVM
tries the name in each imported package, and looks through all JARs for each try. A small month asks it three thousand times.
"""

from typing import Any, Final

from py4j.java_gateway import JavaClass, JavaMember
from pyspark import SparkContext

ASKED_OFTEN: Final = (
    "functions",
    "PythonUtils",
    "PythonSQLUtils",
    "org.apache.spark.sql.functions",
    "org.apache.spark.sql.classic.SparkSession",
)
"""As PySpark writes them."""


class _KnownClass(JavaClass):  # type: ignore[misc] # Py4J has no types
    """A Java class that keeps the static methods it was asked for: they have no state."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the class has
        member = super().__getattr__(name)
        if isinstance(member, JavaMember):
            self.__dict__[name] = member
        return member


def remember_classes(context: SparkContext) -> None:
    """Keep the classes in the context's view of its JVM; names that it does not know, or knows as something else, are asked for as before."""
    view: Any = context._jvm  # noqa: SLF001 - where PySpark itself looks
    for name in ASKED_OFTEN:
        found: Any = getattr(view, name, None)
        if type(found) is JavaClass:
            view.__dict__[name] = _KnownClass(found._fqn, found._gateway_client)  # noqa: SLF001
