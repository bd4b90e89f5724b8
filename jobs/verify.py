"""`spark-submit jobs/verify.py FLAGS`: the same as `ccft verify FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["verify", *sys.argv[1:]])
