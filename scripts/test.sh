#!/usr/bin/env bash
# Everything that CI checks: linters, types, import rules, dependencies, then the tests. All are run before it fails.
#
#   scripts/test.sh [--quick | --clusters] [arguments for pytest]
#     --quick      tests without a JVM only
#     --clusters   only the tests against real clusters and an S3 server (standalone, YARN, S3; they fetch JARs once),
#                  one after the other, without the linters; not part of the default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,/^set /p' scripts/test.sh | sed -e '/^set /d' -e 's/^# \{0,1\}//'; }

tests="tests --ignore=tests/cluster"
lint=yes
# A file of tests stays on one worker: each worker starts at most one Spark session and keeps it. The order is that of tests/conftest.py.
workers="-n 2 --dist loadfile --no-loadscope-reorder"
case "${1:-}" in
    --quick) tests="tests --ignore=tests/spark --ignore=tests/cluster --ignore=tests/browser" && shift ;;
    --clusters) tests="tests/cluster" && lint=no && workers="-n 0" && shift ;;
    -h | --help) usage && exit 0 ;;
esac

scripts/setup.sh

# The locked tools and Spark, whatever else is installed or set on this machine.
unset SPARK_HOME SPARK_CONF_DIR PYSPARK_SUBMIT_ARGS
PATH="$PWD/.venv/bin:$PATH"
JAVA_HOME="$(cat .venv/ccft-java-home)"
export PATH JAVA_HOME
export PYTHONHASHSEED=0 # parametrised cases in the same order in each worker, runs comparable
export SPARK_LOCAL_IP=127.0.0.1

failed=""
check() { # check COMMAND...
    printf '== %s\n' "$*"
    "$@" || failed="$failed${failed:+, }$1"
}

if [ "$lint" = yes ]; then
    check ruff check .
    check ruff format --check .
    check mypy ccft
    check lint-imports --no-logo
    check deptry .
    check shellcheck scripts/*.sh .ci/run
fi
# shellcheck disable=SC2086 # several words
check pytest $tests $workers "$@"

if [ -n "$failed" ]; then
    printf 'test: failed: %s\n' "$failed" >&2
    exit 1
fi
