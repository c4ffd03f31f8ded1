# Everything builds .venv on first use, with nothing but Python, pip and make on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDERS := router policies providers gateway
SOURCES := $(sort $(shell find $(FOLDERS) -name '*.py' -o -name 'py.typed' -o -path '*/page/*'))

MEASURED := overhead statistics streaming scale chaos gateway plots  # plots draw what the others measured, so they come last

.PHONY: demo test soak fuzz check bench results mutation format clean

demo: $(VENV)/installed  ## the main job: a fleet on loopback, a brown-out, round robin beside Paceline
	$(BIN)/paceline demo $(ARGS)

# What is marked slow is left out here, and has a target of its own: `make soak`.
# Scenarios simulate hours of traffic and cover nothing that the other tests do not, so they run without the tracer.
test: $(VENV)/installed  ## the tests but for slow ones, with branch coverage; then the simulated scenarios
	$(BIN)/python -m pytest -n auto -m "not slow" --cov --cov-report=term --ignore=tests/scenarios $(ARGS)
	$(BIN)/python -m pytest -n auto -m "not slow" tests/scenarios $(ARGS)

soak: $(VENV)/installed  ## 50,000 calls through the gateway, with faults, leaving clients and reloads: some minutes
	$(BIN)/python -m pytest -s -m slow tests/gateway/test_soak.py $(ARGS)

fuzz: $(VENV)/installed  ## what reads a stream, on a hundred thousand of them for each test
	$(BIN)/python -m pytest -n auto --hypothesis-profile=fuzz tests/providers/test_sse_fuzz.py $(ARGS)

check: $(VENV)/installed  ## lint, types (twice), layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p paceline.router -p paceline.policies -p paceline.providers -p paceline.gateway
	$(BIN)/mypy benchmarks
	MYPYPATH=examples/paceline-maintenance/src $(BIN)/mypy examples
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/installed  ## what routing costs, and what it wins, quickly
	$(BIN)/python -m benchmarks.overhead --quick
	$(BIN)/python -m benchmarks.statistics --quick
	$(BIN)/python -m benchmarks.streaming --quick
	$(BIN)/python -m benchmarks.scale --quick
	$(BIN)/python -m benchmarks.chaos --quick
	$(BIN)/python -m benchmarks.gateway --quick
	$(BIN)/python -m benchmarks.routing --quick
	$(BIN)/python -m benchmarks.plots --quick --to build/plots

results: $(VENV)/installed  ## every benchmark in full, on a quiet machine: benchmarks/results, an hour
	for name in $(MEASURED); do \
		$(BIN)/python -m benchmarks.$$name --json benchmarks/results/$$name.json > benchmarks/results/$$name.md || exit 1; \
	done
	$(BIN)/python -m benchmarks.routing --json benchmarks/results/routing.json --markdown benchmarks/results/routing.md

mutation: $(VENV)/installed  ## would the tests notice a mistake? about an hour; ARGS="policies/hedge.py" is a file of it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutation]' --config-settings editable_mode=strict
	$(BIN)/python -m tests.mutation $(ARGS)

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mutation build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# A strict editable install links file by file, which is what mypy and pyright can follow; so a new file needs a new
# link, and the list of files is a prerequisite.
$(VENV)/installed: pyproject.toml $(VENV)/sources
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --config-settings editable_mode=strict
	@touch $@

$(VENV)/sources: $(VENV)/pyvenv.cfg FORCE
	@echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' > $@

$(VENV)/pyvenv.cfg:
	$(PYTHON) -m venv $(VENV)

FORCE:
