"""`spark-submit jobs/diff.py FLAGS`: the same as `ccft diff FLAGS`, in the session that spark-submit configures."""

import sys

from ccft.cli import main

main(["diff", *sys.argv[1:]])
