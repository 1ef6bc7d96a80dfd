#!/bin/bash
# The measurements that need a GPU, on one, in at most eight minutes: CUDA correctness, the table of steps at the shapes
# of BERT-base and RoBERTa-large in bf16, achieved TFLOP/s beside the measured matrix product, idle gaps by the profiler.
# Writes benchmarks/results/gpu-NAME.json.
#
#   benchmarks/gpu.sh             on a machine with CUDA
#   benchmarks/gpu.sh --dry-run   the same code at toy shapes on the CPU, to see that it runs; writes nothing
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}"

if [ "${1:-}" = "--dry-run" ]; then
    exec timeout 480 "$PYTHON" -m benchmarks.gpu --dry-run
fi
if ! "$PYTHON" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())'; then
    echo "gpu.sh needs a CUDA device and a CUDA build of torch; there is none here. Try --dry-run." >&2
    exit 2
fi
exec timeout 480 "$PYTHON" -m benchmarks.gpu
