#!/usr/bin/env bash
# A standalone Spark cluster on this machine: a master and two workers of one core and 2 GiB, on the loopback address.
#
#   scripts/cluster.sh start     prints the master's address as its last line; does nothing when the cluster is up
#   scripts/cluster.sh status    prints the address and exits 0 when master and workers are up, else exits 1
#   scripts/cluster.sh stop      ends what start began
#
#   CCFT_CLUSTER_PORT      port of the master (default 17077)
#   CCFT_CLUSTER_UI_PORT   port of its web page; the workers' pages take the next two (default 18080)
#   CCFT_CLUSTER_DIR       pid files, logs and work of the executors (default build/cluster)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

HOST=127.0.0.1
PORT="${CCFT_CLUSTER_PORT:-17077}"
UI_PORT="${CCFT_CLUSTER_UI_PORT:-18080}"
DIR="${CCFT_CLUSTER_DIR:-build/cluster}"
WORKERS="worker-1 worker-2"
URL="spark://$HOST:$PORT"

say() { printf 'cluster: %s\n' "$*" >&2; }

is_running() { # is_running NAME: the process of its pid file lives and is ours, not a later one with the same number
    local pid
    pid="$(cat "$DIR/$1.pid" 2>/dev/null)" || return 1
    ps -p "$pid" -o args= 2>/dev/null | grep -q 'org\.apache\.spark\.deploy\.'
}

alive_workers() { # as the master counts them; 0 while it does not answer
    .venv/bin/python - "http://$HOST:$UI_PORT/json/" <<'PYTHON' 2>/dev/null || echo 0
import json, sys, urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never ask a proxy for the loopback address
print(json.load(opener.open(sys.argv[1], timeout=2))["aliveworkers"])
PYTHON
}

free_ports() { # a port in use means another cluster, whose workers would be taken for ours
    .venv/bin/python - "$HOST" "$PORT" "$UI_PORT" $((UI_PORT + 1)) $((UI_PORT + 2)) <<'PYTHON'
import socket, sys

host, *ports = sys.argv[1:]
taken = [port for port in ports if socket.socket().connect_ex((host, int(port))) == 0]
sys.exit("cluster: in use by another process: port " + ", ".join(taken) if taken else 0)
PYTHON
}

is_up() {
    local name
    for name in master $WORKERS; do is_running "$name" || return 1; done
    [ "$(alive_workers)" = 2 ]
}

launch() { # launch NAME CLASS ARGUMENTS...
    local name="$1"
    shift
    nohup "$SPARK_HOME/bin/spark-class" "$@" >"$DIR/$name.log" 2>&1 </dev/null &
    echo $! >"$DIR/$name.pid"
}

start() {
    local name index=0 tries
    [ -f .venv/ccft-java-home ] || scripts/setup.sh
    if is_up; then
        say "already up"
        echo "$URL"
        return
    fi
    stop
    free_ports || exit 3
    mkdir -p "$DIR"
    DIR="$(cd "$DIR" && pwd -P)"

    unset SPARK_CONF_DIR
    JAVA_HOME="$(cat .venv/ccft-java-home)"
    SPARK_HOME="$(.venv/bin/python -c 'import pyspark; print(pyspark.__path__[0])')"
    export JAVA_HOME SPARK_HOME
    export SPARK_LOCAL_IP="$HOST" SPARK_PUBLIC_DNS="$HOST" SPARK_DAEMON_MEMORY=256m
    # A port in use is an error: by default Spark would silently take the next one.
    export SPARK_DAEMON_JAVA_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dspark.port.maxRetries=0"

    launch master org.apache.spark.deploy.master.Master --host "$HOST" --port "$PORT" --webui-port "$UI_PORT"
    for name in $WORKERS; do
        index=$((index + 1))
        launch "$name" org.apache.spark.deploy.worker.Worker --host "$HOST" --webui-port $((UI_PORT + index)) \
            -c 1 -m 2g -d "$DIR/$name" "$URL"
    done

    for ((tries = 0; tries < 240; tries++)); do
        if is_up; then
            say "up: $URL, web page http://$HOST:$UI_PORT, logs in $DIR"
            echo "$URL"
            return
        fi
        for name in master $WORKERS; do
            if ! kill -0 "$(cat "$DIR/$name.pid")" 2>/dev/null; then
                say "the $name ended; the end of its log:"
                tail -n 15 "$DIR/$name.log" >&2
                stop
                exit 3
            fi
        done
        sleep 0.5
    done
    say "master and workers did not find each other in two minutes; see the logs in $DIR"
    stop
    exit 3
}

stop() { # workers end their executors
    local name tries
    for name in $WORKERS master; do
        if is_running "$name"; then kill "$(cat "$DIR/$name.pid")" || true; fi
    done
    for name in $WORKERS master; do
        for ((tries = 0; tries < 40; tries++)); do
            is_running "$name" || break
            sleep 0.25
        done
        if is_running "$name"; then kill -9 "$(cat "$DIR/$name.pid")" || true; fi
        rm -f "$DIR/$name.pid"
    done
}

status() {
    if is_up; then
        echo "$URL"
    else
        say "not running"
        return 1
    fi
}

case "${1:-}" in
    start | stop | status) "$1" ;;
    *)
        sed -n '2,/^set /p' scripts/cluster.sh | sed -e '/^set /d' -e 's/^# \{0,1\}//' >&2
        exit 2
        ;;
esac
