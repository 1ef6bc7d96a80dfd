#!/bin/bash
# Run a comparison grid, or a search, on a machine with a GPU and no network, in calls of limited length.
#
#   experiments/accelerator.sh pack MODEL GRID...   with network and data: all that the machine lacks, in .accelerator/
#   experiments/accelerator.sh run                  on the machine: runs what is unfinished, for at most nine minutes
#   experiments/accelerator.sh merge FOLDER         back home: adds the new results to experiments/results/
#   experiments/accelerator.sh MODEL GRID...        run if the package is there, else pack
#   experiments/accelerator.sh --dry-run            all of it on the CPU with a tiny model, in a temporary folder
#
# experiments/README.md explains it; --help after pack, run or merge lists the options.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}"
exec "$PYTHON" -m experiments.accelerator "$@"
