#!/usr/bin/env bash
# From nothing to two published months of an invented provider, an export, a report and an explanation, and what they look like. Safe to run again: what is done is
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

say "1. Raw inputs of an invented provider: 11 clusters, 35 services, 2,000 accounts, 15 months, 5 AI models -> $DEMO/inputs"
ccft demo-world --out "$DEMO/inputs" --accounts 2000 --months 15

say "2. Validate them into the lake -> $CCFT_LAKE"
ccft ingest --inputs "$DEMO/inputs"

say "3. Compute and publish two months"
ccft run --period 2025-05 --period 2025-06

say "4. What came out, read without a JVM by another engine (DuckDB)"
ccft summary --period 2025-06

say "5. What customers get: the export of one organisation, and the provider's report"
payer="$(ccft sql --engine duckdb --format csv "SELECT payer_account_id FROM organisation_emissions WHERE usage_period = '2025-06' AND payer_account_id <> '000000000000' ORDER BY total_lbm_kg DESC, payer_account_id LIMIT 1" | tail -n 1)"
ccft export --payer "$payer" --dest "$DEMO/exports" --name carbon --format csv
ccft report --out "$DEMO/report"

say "6. One figure back to its meters: organisation $payer"
ccft explain "$payer" --period 2025-06 --measure scope_2_lbm > "$DEMO/explanation.txt"
head -n 32 "$DEMO/explanation.txt"

cat <<TEXT

Report:  $DEMO/report (open the page in a browser)
Figure:  $DEMO/explanation.txt, all of it
Export:  $DEMO/exports/$payer/carbon (start from the manifest in metadata/)
Tables:  $CCFT_LAKE/<table>, partitioned by usage_period, region_code, methodology_version (docs/data-dictionary.md)

Next:
  export PATH="$PWD/.venv/bin:\$PATH" CCFT_LAKE=$CCFT_LAKE
  ccft verify                                          re-derive conservation from the tables with Spark
  ccft run --period 2025-06 --methodology v3.0         the same month with Scope 3, beside v2.0
  ccft diff --period 2025-06 v2.0 v3.0                 what the two differ by, split by cause
  ccft ai run --period 2025-06 && ccft ai compare      AI models: who emits what, from training to serving
  ccft sql "SELECT * FROM emissions_by_region"         tables and views; docs/sql-cookbook.md has twelve questions
  docs/tutorial.md                                     the same with explanations; docs/bring-your-own-inputs.md for yours
TEXT
