"""`spark-submit jobs/export.py FLAGS`: the same as `ccft export FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["export", *sys.argv[1:]])
