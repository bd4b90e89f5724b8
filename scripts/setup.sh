#!/usr/bin/env bash
# Makes .venv ready: locked Python packages, the project itself, the two Delta JARs, and an archive of loaded JVM
# classes that shortens every local start. Safe to run again at any time; with nothing to do it returns at once, without
# network.
#
#   PYTHON      the interpreter to build .venv with (default: the first of python3, python3.11, ... that is new enough)
#   JAVA_HOME   the Java to use (default: the first Java 17 or later found)
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$ROOT"

VENV="$ROOT/.venv"
STAMP="$VENV/ccft-setup.stamp"
JAVA_HOME_FILE="$VENV/ccft-java-home" # read by the other scripts
ARCHIVE="$VENV/ccft-spark.jsa"        # read by ccft/lake/session.py
LOCK="requirements-dev.lock"
SUMS="scripts/jars.sha256"

DELTA_PACKAGES="io.delta:delta-spark_4.2_2.13:4.4.0,io.delta:delta-storage:4.4.0"
# What these two ask for beside each other is part of Spark already, or serves catalogs that are not used here.
DELTA_EXCLUDES="io.unitycatalog:*,org.scala-lang:*,org.apache.logging.log4j:*,org.slf4j:*,com.google.code.findbugs:*"
for module in api defaults unitycatalog; do DELTA_EXCLUDES="$DELTA_EXCLUDES,io.delta:delta-kernel-$module"; done

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { # stop EXIT_CODE MESSAGE
    printf 'setup: %s\n' "$2" >&2
    exit "$1"
}

sha256() { # of the files named, or of standard input
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# --- the quick way out ------------------------------------------------------------------------------------------------

# Everything that the state of .venv depends on: these files, the place (scripts in .venv/bin name it) and the Java.
fingerprint() { # fingerprint JAVA_HOME
    {
        printf '%s\n%s\n' "$ROOT" "$1"
        cat pyproject.toml "$LOCK" "$SUMS" scripts/setup.sh
        if [ -f "$1/release" ]; then cat "$1/release"; fi
    } | sha256 | cut -d' ' -f1
}

is_done() {
    [ -f "$STAMP" ] && [ -f "$JAVA_HOME_FILE" ] && [ -x "$VENV/bin/ccft" ] || return 1
    local java_home
    java_home="$(cat "$JAVA_HOME_FILE")"
    [ -x "$java_home/bin/java" ] || return 1
    [ "${JAVA_HOME:-$java_home}" = "$java_home" ] || return 1
    [ "$(cat "$STAMP")" = "$(fingerprint "$java_home")" ]
}

# --- Python -----------------------------------------------------------------------------------------------------------

is_python_311() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if is_python_311 "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    stop 2 "Python 3.11 or later is needed (found: $("${PYTHON:-python3}" --version 2>&1 || true)).
       Install it, or name one: PYTHON=/path/to/python3.11 scripts/setup.sh"
}

# A .venv that was moved or whose interpreter is gone cannot be mended: its scripts name the old place.
is_venv_usable() {
    is_python_311 "$VENV/bin/python" || return 1
    [ "$("$VENV/bin/python" -c 'import sys; print(sys.prefix)')" = "$VENV" ] || return 1
    [ ! -f "$VENV/bin/pip" ] || head -n 2 "$VENV/bin/pip" | grep -q "$VENV/bin/"
}

make_venv() {
    if ! is_venv_usable; then
        local python
        python="$(find_python)"
        say "making .venv with $("$python" --version)"
        "$python" -m venv --clear "$VENV" ||
            stop 2 "python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv"
    fi
}

pip_install() { # its chatter matters only when it fails
    local log="$VENV/ccft-pip.log"
    if ! "$VENV/bin/python" -m pip install --quiet --no-input --disable-pip-version-check "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        stop 1 "pip install failed"
    fi
    rm -f "$log"
}

install_packages() {
    local build_tools="$VENV/ccft-build-tools.lock"
    say "installing $LOCK"
    # pyspark comes as source: what builds it is installed first, under the same lock, instead of unpinned on the side.
    awk '/^[a-z0-9]/ { keep = /^(pip|setuptools)==/ } keep' "$LOCK" >"$build_tools"
    pip_install --require-hashes -r "$build_tools"
    rm -f "$build_tools"
    pip_install --require-hashes --no-build-isolation -r "$LOCK"
    pip_install --no-deps --no-build-isolation --editable .
}

# --- Java -------------------------------------------------------------------------------------------------------------

# Prints the home of a Java 17 or later, given the path of a `java`.
java_home_of() {
    local settings major
    settings="$("$1" -XshowSettings:properties -version 2>&1)" || return 1
    major="$(printf '%s\n' "$settings" | sed -n 's/^ *java\.specification\.version = //p' | sed 's/^1\.//')"
    [ "${major:-0}" -ge 17 ] 2>/dev/null || return 1
    printf '%s\n' "$settings" | sed -n 's/^ *java\.home = //p'
}

find_java_home() {
    local candidate
    if [ -n "${JAVA_HOME:-}" ]; then # an explicit choice is obeyed or refused, never replaced
        java_home_of "$JAVA_HOME/bin/java" && return
        stop 2 "JAVA_HOME is $JAVA_HOME, which holds no Java 17 or later.
       Change it, or unset it to let setup look for one."
    fi
    for candidate in \
        "$(command -v java || true)" \
        /usr/lib/jvm/*-17-*/bin/java /usr/lib/jvm/*-21-*/bin/java \
        /opt/homebrew/opt/openjdk@17/bin/java /usr/local/opt/openjdk@17/bin/java; do
        if [ -x "$candidate" ] && java_home_of "$candidate"; then return; fi
    done
    return 1
}

install_java() {
    local as_root="" package
    if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        [ "$(id -u)" = 0 ] || as_root="sudo"
        say "installing Java with apt-get"
        $as_root apt-get update -qq >&2 || true
        for package in openjdk-17-jre-headless openjdk-21-jre-headless; do
            if DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "$package" >&2; then return; fi
        done
    elif [ "$(uname)" = Darwin ] && command -v brew >/dev/null 2>&1; then
        say "installing Java with Homebrew"
        brew install openjdk@17 >&2 && return
    fi
    stop 2 "Java 17 or later is needed and could not be installed from here. Set JAVA_HOME to one, or install it:
       apt-get install openjdk-17-jre-headless   (Debian, Ubuntu)
       brew install openjdk@17                   (macOS)"
}

# --- Delta's JARs -----------------------------------------------------------------------------------------------------

# The names of the pinned JARs that are not in the directory with the pinned content.
missing_jars() { # missing_jars DIRECTORY
    local sum name
    while read -r sum name; do
        if [ ! -f "$1/$name" ] || [ "$(sha256 "$1/$name" | cut -d' ' -f1)" != "$sum" ]; then printf '%s\n' "$name"; fi
    done <"$SUMS"
}

fetch_with_spark() { # fetch_with_spark DIRECTORY
    local jar
    : >"$1/nothing.py"
    SPARK_HOME="$SPARK" "$SPARK/bin/spark-submit" --master 'local[1]' --conf "spark.jars.ivy=$1/ivy" \
        --packages "$DELTA_PACKAGES" --exclude-packages "$DELTA_EXCLUDES" "$1/nothing.py" || return 1
    for jar in "$1"/ivy/jars/io.delta_*.jar; do
        mv "$jar" "$1/$(basename "$jar" | sed 's/^io\.delta_//')" || return 1
    done
}

fetch_with_maven() { # fetch_with_maven DIRECTORY
    local package
    command -v mvn >/dev/null 2>&1 || return 1
    for package in $(printf '%s' "$DELTA_PACKAGES" | tr ',' ' '); do
        mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
            "-Dartifact=$package" "-DoutputDirectory=$1" || return 1
    done
}

install_jars() {
    local work name bad
    bad="$(missing_jars "$SPARK/jars")"
    [ -n "$bad" ] || return 0
    for name in $bad; do rm -f "$SPARK/jars/$name"; done
    say "fetching $DELTA_PACKAGES"
    work="$(mktemp -d)"
    if ! { fetch_with_spark "$work" || fetch_with_maven "$work"; } >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        rm -rf "$work"
        stop 3 "Delta's JARs could not be fetched. Without access to a Maven repository, copy the files named in $SUMS
       to $SPARK/jars and run setup again."
    fi
    bad="$(missing_jars "$work")"
    if [ -n "$bad" ]; then
        rm -rf "$work"
        stop 1 "not what $SUMS pins, thrown away: $(printf '%s' "$bad" | tr '\n' ' ')"
    fi
    while read -r _ name; do
        mv "$work/$name" "$SPARK/jars/.$name.part" && mv "$SPARK/jars/.$name.part" "$SPARK/jars/$name"
    done <"$SUMS"
    rm -rf "$work"
}

# --- the class archive ------------------------------------------------------------------------------------------------

# A JVM that starts with the archive maps Spark's and Delta's classes instead of loading and verifying each.
# It fits one Java and one class path, so it is made here and never shipped; a JVM that it does not fit ignores it.
make_archive() {
    local key part
    # It fits only these JARs, in this directory, unchanged since: the JVM compares their times as well.
    key="$({
        cat "$JAVA_HOME/release"
        "$VENV/bin/python" - "$SPARK/jars" <<'PYTHON'
import os, sys
print(sorted((jar.path, jar.stat().st_mtime_ns) for jar in os.scandir(sys.argv[1])))
PYTHON
        sed -n '/^make_archive/,/^}/p' scripts/setup.sh
    } | sha256 | cut -d' ' -f1)"
    if [ -f "$ARCHIVE" ] && [ "$(cat "$ARCHIVE.key" 2>/dev/null)" = "$key" ]; then return; fi
    say "archiving Spark's classes for quick starts"
    part="$(mktemp -d "$VENV/ccft-archive.XXXXXX")"
    # Written aside and renamed: running JVMs keep the file that they have mapped.
    if (cd "$part" && env -u SPARK_CONF_DIR -u PYSPARK_SUBMIT_ARGS "$VENV/bin/python" - "$part") \
        >"$part/log" 2>&1 <<'PYTHON' && [ -s "$part/spark.jsa" ]; then
import sys
from pyspark.sql import SparkSession

work = sys.argv[1]
spark = (
    SparkSession.builder.master("local[1]")
    .config(
        "spark.driver.extraJavaOptions",
        f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit={work}/spark.jsa",
    )
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.databricks.delta.snapshotPartitions", 2)
    .config("spark.sql.shuffle.partitions", 2)
    .config("spark.sql.warehouse.dir", f"{work}/warehouse")
    .config("spark.ui.enabled", False)
    .getOrCreate()
)
table = f"{work}/table"
frame = spark.range(100).selectExpr("id", "id % 3 as part", "cast(id as decimal(18, 9)) as amount_kg")
frame.write.format("delta").partitionBy("part").save(table)
frame.where("part = 1").write.format("delta").mode("overwrite").option("replaceWhere", "part = 1").save(table)
read = spark.read.format("delta").load(table)
read.join(read.groupBy("part").sum("amount_kg"), "part").orderBy("id").toArrow()
jvm = spark.sparkContext._gateway
spark.stop()
jvm.shutdown()
jvm.proc.stdin.close()
jvm.proc.wait()  # the archive is written while the JVM ends
PYTHON
        mv "$part/spark.jsa" "$ARCHIVE"
        printf '%s\n' "$key" >"$ARCHIVE.key"
    else
        say "warning: no class archive, starts will be slower. $(tail -n 1 "$part/log")"
    fi
    rm -rf "$part"
}

# ----------------------------------------------------------------------------------------------------------------------

if is_done; then exit 0; fi

make_venv
JAVA_HOME="$(find_java_home || { install_java && find_java_home; })" || exit $?
export JAVA_HOME
printf '%s\n' "$JAVA_HOME" >"$JAVA_HOME_FILE"
install_packages
SPARK="$("$VENV/bin/python" -c 'import pyspark; print(pyspark.__path__[0])')"
install_jars
make_archive
fingerprint "$JAVA_HOME" >"$STAMP"
say "ready: .venv/bin/ccft"
