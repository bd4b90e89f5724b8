#!/usr/bin/env bash
# Benchmarks, on a quiet machine: result files in benchmarks/results, tables made from them in docs/performance.md.
#
#   scripts/bench.sh account-step [--rows N ...] [--rounds N]   the account step beside the floor and the peers
#   scripts/bench.sh skew [--rows N ...]                        the same where one account has half a pool, or one pool half of all rows
#   scripts/bench.sh scale-out [--rows N]                       the account step on a standalone cluster: two workers against one
#   scripts/bench.sh commands [--accounts N]                    whole commands on the demo provider, as a user waits for them
#   scripts/bench.sh many-accounts [--accounts N]               one month of 10 million accounts: inputs, ingest, run, verify
#   scripts/bench.sh backfill [arguments]                       38 months x 3 versions in one command
#   scripts/bench.sh dense-cluster [--racks N] [--services N]   whole commands on one cluster whose services all use each other
#   scripts/bench.sh ai-tokens [--rows N ...]                   hourly token usage, to 100 million rows
#   scripts/bench.sh steps --lake L --period P ...              where the seconds of a small month go (decisions/price-of-a-small-month.md)
#   scripts/bench.sh tables                                     write the tables from the result files
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,/^set /p' scripts/bench.sh | sed -e '/^set /d' -e 's/^# \{0,1\}//'; }

case "${1:-}" in
    account-step) module=account_step && out=(--out benchmarks/results/account_step.json) ;;
    skew)
        for kind in whale_account whale_pool; do
            "$0" account-step --skew "$kind" --only floor ours --out "benchmarks/results/account_step_$kind.json" "${@:2}"
        done
        exit
        ;;
    scale-out) module=scale_out && out=(--out benchmarks/results/scale_out.json) ;;
    commands) module=commands && out=(--out benchmarks/results/commands.json) ;;
    many-accounts)
        module=commands
        out=(--out benchmarks/results/many_accounts.json --accounts 10000000 --months 1 --rounds 1
            --only demo-world ingest "run a month, cold" "verify a month")
        ;;
    backfill) module=backfill && out=(--result benchmarks/results/backfill.json) ;;
    dense-cluster) module=dense_cluster && out=(--out benchmarks/results/dense_cluster.json) ;;
    ai-tokens) module=ai_tokens && out=(--out benchmarks/results/ai_tokens.json) ;;
    steps) module=steps && out=() ;;
    tables) module=tables && out=() ;;
    *) usage && exit 2 ;;
esac
shift

scripts/setup.sh
unset SPARK_HOME SPARK_CONF_DIR PYSPARK_SUBMIT_ARGS
PATH="$PWD/.venv/bin:$PATH"
JAVA_HOME="$(cat .venv/ccft-java-home)"
export PATH JAVA_HOME SPARK_LOCAL_IP=127.0.0.1

exec python -m "benchmarks.$module" "${out[@]}" "$@"
