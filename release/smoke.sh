#!/usr/bin/env bash
# Use an installed uegr as a user does: bash release/smoke.sh FOLDER_OF_THE_ENVIRONMENT
# It trains a small model from scratch, so that it needs no hub and none of the packages with embedded data.
set -euo pipefail
examples="$(cd "$(dirname "$0")/../examples" && pwd)"
bin="$(cd "$1/bin" && pwd)"
export PATH="$bin:$PATH" HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1
unset PYTHONPATH
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # the source tree is out of reach
uegr --version
uegr --help >/dev/null
uegr train --help >help.txt
grep --quiet "Options of method uegr" help.txt
uegr methods uegr >/dev/null
uegr train --train_file "$examples/reviews.csv" --model_name_or_path textcnn --max_steps 2 --output_dir run
uegr predict run --file "$examples/reviews.csv" --output predictions.csv
uegr evaluate run --attack_examples 4
uegr report run --output report.html
test -s predictions.csv
test -s report.html
python -c '
import uegr.modeling.scratch
from transformers import AutoModelForSequenceClassification
AutoModelForSequenceClassification.from_pretrained("run")'
echo "the installed package works."
