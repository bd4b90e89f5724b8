#!/usr/bin/env bash
# Fetches JARs of the Maven repository into a directory, once, each of them pinned by checksum. With all of them there it
# returns at once, without network.
#
#   scripts/fetch-jars.sh SUMS DIRECTORY COORDINATES [EXCLUDES]
#     SUMS         file of checksums and names, as sha256sum writes it
#     COORDINATES  group:artifact:version,... with what they need; what SUMS does not name is thrown away
#     EXCLUDES     group:artifact,... that is not fetched at all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -ge 3 ] || { sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | sed -e '/^set /d' -e 's/^# \{0,1\}//' >&2 && exit 2; }
SUMS="$1"
DIRECTORY="$2"
COORDINATES="$3"
EXCLUDES="${4:-}"

sha256() { if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

missing() { # missing DIRECTORY: the pinned names that are not there with the pinned content
    local sum name
    while read -r sum name; do
        if [ ! -f "$1/$name" ] || [ "$(sha256 "$1/$name" | cut -d' ' -f1)" != "$sum" ]; then printf '%s\n' "$name"; fi
    done <"$SUMS"
}

fetch() { # fetch WORK: with Spark's own resolver, which needs no Maven
    local spark jar
    spark="$(.venv/bin/python -c 'import pyspark; print(pyspark.__path__[0])')" || return 1
    : >"$1/nothing.py"
    JAVA_HOME="$(cat .venv/ccft-java-home)" SPARK_HOME="$spark" "$spark/bin/spark-submit" --master 'local[1]' \
        --conf "spark.jars.ivy=$1/ivy" --packages "$COORDINATES" ${EXCLUDES:+--exclude-packages "$EXCLUDES"} \
        "$1/nothing.py" || return 1
    # The resolver puts the group before the name.
    for jar in "$1"/ivy/jars/*.jar; do mv "$jar" "$1/$(basename "$jar" | sed 's/^[^_]*_//')" || return 1; done
}

[ -f .venv/ccft-java-home ] || scripts/setup.sh
[ -n "$(missing "$DIRECTORY")" ] || exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
printf 'jars: fetching %s\n' "$COORDINATES" >&2
if ! fetch "$work" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    printf 'jars: not fetched. Without access to a Maven repository, copy the files named in %s to %s.\n' "$SUMS" "$DIRECTORY" >&2
    exit 3
fi
bad="$(missing "$work")"
if [ -n "$bad" ]; then
    printf 'jars: not what %s pins, thrown away: %s\n' "$SUMS" "$(printf '%s' "$bad" | tr '\n' ' ')" >&2
    exit 1
fi
mkdir -p "$DIRECTORY"
while read -r _ name; do mv "$work/$name" "$DIRECTORY/$name"; done <"$SUMS"
