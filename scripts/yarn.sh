#!/usr/bin/env bash
# A real YARN of one node on this machine, for trials and tests: resource manager and node manager in one JVM, on the
# loopback address, ports chosen by the system. Its JARs are fetched once, pinned by checksum.
#
#   scripts/yarn.sh start     prints the directory for HADOOP_CONF_DIR as its last line; does nothing when it is up
#   scripts/yarn.sh status    prints the directory and exits 0 when it is up, else exits 1
#   scripts/yarn.sh stop      ends it, and the containers that still run
#
#   CCFT_YARN_DIR      pid file, configuration, logs and work of containers (default build/yarn)
#   CCFT_YARN_JARS     where the JARs are kept (default build/yarn-jars)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DIR="${CCFT_YARN_DIR:-build/yarn}"
JARS="${CCFT_YARN_JARS:-build/yarn-jars}"
# What MiniYARNCluster refers to beside Hadoop's own classes, test libraries included.
COORDINATES="org.apache.hadoop:hadoop-client-minicluster:3.5.0,commons-logging:commons-logging:1.3.0"
COORDINATES="$COORDINATES,org.junit.jupiter:junit-jupiter-api:5.10.2,org.mockito:mockito-core:4.11.0"
for part in bcprov bcpkix bcutil; do COORDINATES="$COORDINATES,org.bouncycastle:$part-jdk18on:1.78.1"; done
EXCLUDES="org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime,net.bytebuddy:*,org.objenesis:*"

say() { printf 'yarn: %s\n' "$*" >&2; }

is_running() { # the process of the pid file lives and is ours, not a later one with the same number
    local pid
    pid="$(cat "$DIR/node.pid" 2>/dev/null)" || return 1
    ps -p "$pid" -o args= 2>/dev/null | grep -q 'yarn_node\.py'
}

is_up() { is_running && [ -f "$DIR/conf/yarn-site.xml" ]; }

start() {
    local spark tries
    if is_up; then
        say "already up"
        (cd "$DIR/conf" && pwd -P)
        return
    fi
    stop
    scripts/fetch-jars.sh scripts/yarn-jars.sha256 "$JARS" "$COORDINATES" "$EXCLUDES" || exit $?
    rm -rf "$DIR"
    mkdir -p "$DIR"
    DIR="$(cd "$DIR" && pwd -P)"
    JARS="$(cd "$JARS" && pwd -P)"
    JAVA_HOME="$(cat .venv/ccft-java-home)" # containers inherit it
    export JAVA_HOME
    spark="$(.venv/bin/python -c 'import pyspark; print(pyspark.__path__[0])')"
    local root="$PWD"
    (
        cd "$DIR" # MiniYARNCluster works in ./target
        exec nohup "$root/.venv/bin/python" "$root/scripts/yarn_node.py" "$DIR" "$JARS" "$spark/jars" >node.log 2>&1 </dev/null
    ) &
    echo $! >"$DIR/node.pid"
    for ((tries = 0; tries < 240; tries++)); do
        if is_up; then
            say "up, logs in $DIR"
            echo "$DIR/conf"
            return
        fi
        if ! kill -0 "$(cat "$DIR/node.pid")" 2>/dev/null; then
            say "it ended; the end of its log:"
            tail -n 15 "$DIR/node.log" >&2
            exit 3
        fi
        sleep 0.5
    done
    say "the node did not join in two minutes; see $DIR/node.log"
    stop
    exit 3
}

stop() {
    local tries pid
    if is_running; then
        pid="$(cat "$DIR/node.pid")"
        kill "$pid" || true
        for ((tries = 0; tries < 80; tries++)); do
            is_running || break
            sleep 0.25
        done
        # The JVM ends with the process that started it.
        if is_running; then kill -9 "$pid" || true; fi
    fi
    rm -f "$DIR/node.pid" "$DIR/conf/yarn-site.xml"
}

status() {
    if is_up; then
        (cd "$DIR/conf" && pwd -P)
    else
        say "not running"
        return 1
    fi
}

case "${1:-}" in
    start | stop | status) "$1" ;;
    *)
        sed -n '2,/^set /p' scripts/yarn.sh | sed -e '/^set /d' -e 's/^# \{0,1\}//' >&2
        exit 2
        ;;
esac
