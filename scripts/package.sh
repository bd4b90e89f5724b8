#!/usr/bin/env bash
# One file with ccft and its locked Python packages, for clusters whose nodes have Spark and a Python but no ccft:
# build/ccft.pex. It is a Python interpreter with ccft inside; Spark's own Python comes from the cluster.
#
#   scripts/package.sh [FILE]       default build/ccft.pex; needs no network
#
# The Python of the nodes has to be of the minor version and platform of .venv. See docs/running.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FILE="${1:-build/ccft.pex}"
[ -x .venv/bin/pex ] || scripts/setup.sh
mkdir -p "$(dirname "$FILE")"

# What pyproject.toml asks for, as set-up installed it; Spark is left out: cluster and driver have to have the same one.
.venv/bin/python - >"$FILE.requirements" <<'PYTHON'
import tomllib

for line in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]:
    if not line.startswith("pyspark"):
        print(line)
PYTHON
python="$(.venv/bin/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"
.venv/bin/pex --venv-repository .venv --requirement "$FILE.requirements" --exclude pyspark --package ccft \
    --inherit-path=fallback --python-shebang "/usr/bin/env $python" --output-file "$FILE"
rm -f "$FILE.requirements"
printf '%s\n' "$FILE"
