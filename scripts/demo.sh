#!/usr/bin/env bash
# From nothing to two published months of an invented provider, and what they look like. Safe to run again: what is done is
# not done twice.
#
#   scripts/demo.sh [FOLDER]      where inputs and lake go (default build/demo)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in -h | --help) sed -n '2,/^set /p' scripts/demo.sh | sed -e '/^set /d' -e 's/^# \{0,1\}//' && exit 0 ;; esac

scripts/setup.sh
PATH="$PWD/.venv/bin:$PATH"
JAVA_HOME="$(cat .venv/ccft-java-home)"
export PATH JAVA_HOME
unset SPARK_HOME SPARK_CONF_DIR PYSPARK_SUBMIT_ARGS

DEMO="${1:-build/demo}"
export CCFT_LAKE="$DEMO/lake"

say() { printf '\n== %s\n' "$*"; }

say "1. Raw inputs of an invented provider: 11 clusters, 35 services, 2,000 accounts, 15 months -> $DEMO/inputs"
ccft demo-world --out "$DEMO/inputs" --accounts 2000 --months 15

say "2. Validate them into the lake -> $CCFT_LAKE"
ccft ingest --inputs "$DEMO/inputs"

say "3. Compute and publish two months"
ccft run --period 2025-05 --period 2025-06

say "4. What came out, read without a JVM by another engine (DuckDB)"
ccft summary --period 2025-06

cat <<TEXT

Tables: $CCFT_LAKE/<table>, partitioned by usage_period, region_code, methodology_version (docs/data-dictionary.md)

Next:
  export PATH="$PWD/.venv/bin:\$PATH" CCFT_LAKE=$CCFT_LAKE
  ccft verify                                          re-derive conservation from the tables with Spark
  ccft run --period 2025-06 --methodology v3.0         the same month with Scope 3, beside v2.0
  ccft backfill --from 2024-04 --to 2025-06            all months, each in the version in effect
  ccft methodology show v2.0                           the policies of a version
  docs/tutorial.md                                     the same with explanations; docs/bring-your-own-inputs.md for yours
TEXT
