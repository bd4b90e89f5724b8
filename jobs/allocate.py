"""`spark-submit jobs/allocate.py FLAGS`: the same as `ccft run FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["run", *sys.argv[1:]])
