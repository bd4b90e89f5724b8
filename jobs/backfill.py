"""`spark-submit jobs/backfill.py FLAGS`: the same as `ccft backfill FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["backfill", *sys.argv[1:]])
