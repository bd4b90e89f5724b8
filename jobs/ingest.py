"""`spark-submit jobs/ingest.py FLAGS`: the same as `ccft ingest FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["ingest", *sys.argv[1:]])
