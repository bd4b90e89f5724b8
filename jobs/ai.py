"""`spark-submit jobs/ai.py FLAGS`: the same as `ccft ai run FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["ai", "run", *sys.argv[1:]])
