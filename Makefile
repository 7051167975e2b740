# Everything a newcomer types. Each target sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
TRACKIO := $(VENV)/trackio
QUICK := $(addprefix tests/unit/,controls judging results stats leaderboard/test_*.py test_*.py)
PACKAGES = import sysconfig; print(sysconfig.get_path('purelib'))

.PHONY: default leaderboard setup check test quick docs clean

# Set up everything and run the default matrix.
default: setup
	$(BIN)/tckr-bench run --matrix default

# Set up everything, measure the leaderboard's own entries, submit and check them, and build the site.
leaderboard: setup
	$(BIN)/tckr-bench run --matrix mini
	$(BIN)/tckr-bench leaderboard submit runs/mini
	$(BIN)/tckr-bench leaderboard verify
	$(BIN)/tckr-bench leaderboard build

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# Lint, format, types, import rules, documentation that is made from code, every record of the leaderboard, and whether
# what is committed is of the matrix it is named after.
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/tckr-bench leaderboard verify
	PYTHONPATH=. $(BIN)/cog --check -r README.md plugins/README.md
	$(BIN)/python -m pytest -q tests/unit/leaderboard/test_committed.py

# Set up everything and pass the tests.
test: setup $(TRACKIO)/.ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
	$(TRACKIO)/bin/python -m pytest tests/unit/plugins/observers/test_trackio.py tests/contract -k trackio

# A contributor's loop: lint, and the unit tests that need no torch.
quick: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(QUICK)

# trackio wants an older pillow. Its environment has what it cannot share, and finds everything else in .venv.
$(TRACKIO)/.ready: $(VENV)/.ready
	$(BIN)/python -m venv --clear --without-pip $(TRACKIO)
	echo "import site; site.addsitedir('$$($(BIN)/python -c "$(PACKAGES)")')" \
	  > "$$($(TRACKIO)/bin/python -c "$(PACKAGES)")/shared.pth"
	$(BIN)/python -m pip --python $(TRACKIO)/bin/python install --quiet 'trackio>=0.43'
	touch $@

# Write the generated parts of the documentation again.
docs: setup
	PYTHONPATH=. $(BIN)/cog -r README.md plugins/README.md

clean:
	rm -rf $(VENV) build dist runs leaderboard-site .pytest_cache .mypy_cache .ruff_cache
