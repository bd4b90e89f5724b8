"""A resource manager and a node manager in one JVM, on the loopback address, until this process ends (`scripts/yarn.sh`).

    python scripts/yarn_node.py DIRECTORY JARS SPARK_JARS

Writes `DIRECTORY/conf/yarn-site.xml` when the node has joined; work and logs of containers are below `DIRECTORY/target`.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

ROOT = Path(__file__).resolve().parents[1]
NODE_MEMORY_MB = 6144
SETTINGS = {
    "fs.defaultFS": "file:///",
    "yarn.nodemanager.resource.memory-mb": NODE_MEMORY_MB,
    "yarn.minicluster.yarn.nodemanager.resource.memory-mb": NODE_MEMORY_MB,
    "yarn.nodemanager.resource.cpu-vcores": 4,
    "yarn.scheduler.minimum-allocation-mb": 256,
    "yarn.scheduler.maximum-allocation-mb": NODE_MEMORY_MB,
    # A JVM reserves more address space than it uses.
    "yarn.nodemanager.pmem-check-enabled": "false",
    "yarn.nodemanager.vmem-check-enabled": "false",
    "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
    # Default of 10 s after the end of an application; its logs are what one looks for.
    "yarn.nodemanager.log.retain-seconds": 86400,
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": 100,
    # One small node: without it a tenth of the memory may be drivers, which is less than one.
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
    "yarn.scheduler.capacity.root.default.maximum-am-resource-percent": "1.0",
}
NODE_SECONDS = 60


def class_path(jars: Path, spark_jars: Path) -> str:
    """Hadoop first; of Spark's JARs what Hadoop needs besides, not Spark itself."""
    hadoop = [*sorted(jars.glob("*.jar")), *sorted(spark_jars.glob("hadoop-client-*.jar"))]
    others = [jar for jar in sorted(spark_jars.glob("*.jar")) if not jar.name.startswith(("spark-", "hadoop-client-"))]
    return os.pathsep.join(map(str, [*hadoop, *others]))


def main() -> None:
    """Start, say so, wait for a signal, stop."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    directory, jars, spark_jars = (Path(argument).resolve() for argument in sys.argv[1:4])
    (py4j_jar,) = spark_jars.glob("py4j-*.jar")
    port, token = launch_gateway(
        jarpath=str(py4j_jar),
        classpath=class_path(jars, spark_jars),
        javaopts=[
            "-Xmx512m",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={ROOT / 'ccft' / 'lake' / 'log4j2.properties'}",
        ],
        java_path=f"{os.environ['JAVA_HOME']}/bin/java",
        die_on_exit=True,
        enable_auth=True,
        redirect_stdout=sys.stdout,
        redirect_stderr=sys.stderr,
    )
    java = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token, auto_convert=True)).jvm
    settings = java.org.apache.hadoop.yarn.conf.YarnConfiguration()
    for name, value in SETTINGS.items():
        settings.set(name, str(value))
    cluster = java.org.apache.hadoop.yarn.server.MiniYARNCluster("ccft", 1, 1, 1)
    cluster.init(settings)
    cluster.start()
    if not cluster.waitForNodeManagersToConnect(1000 * NODE_SECONDS):
        sys.exit("yarn: the node manager did not join")
    written = directory / "conf" / "yarn-site.xml"
    written.parent.mkdir(exist_ok=True)
    stream = java.java.io.FileOutputStream(f"{written}.part")
    cluster.getConfig().writeXml(stream)
    stream.close()
    Path(f"{written}.part").rename(written)
    ended.wait()
    written.unlink()
    cluster.stop()


if __name__ == "__main__":
    main()
