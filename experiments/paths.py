"""Where grids, results and pages are."""

from __future__ import annotations

from pathlib import Path

EXPERIMENTS = Path(__file__).parent
GRIDS, RESULTS = EXPERIMENTS / "grids", EXPERIMENTS / "results"
DOCS = EXPERIMENTS.parent / "docs"
