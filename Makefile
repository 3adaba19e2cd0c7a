# Every target works on a fresh machine with Python 3.11 or newer: `make run`, `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed
DRAW := $(BIN)/urnn-bench plot --format png --format svg

.DEFAULT_GOAL := help
.PHONY: setup shell run test lint types attack ci smoke figures docs docs-tables help

setup: $(STAMP)  ## make a virtual environment with the tested versions and this package

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), which takes minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -c constraints.txt -e '.[dev]'
	touch $@
	@echo "installed; to call it: $(BIN)/urnn-bench, or first: source $(BIN)/activate"

shell: setup  ## a shell in which urnn-bench is found by its name
	@echo "type urnn-bench --help, and exit to leave this shell"
	@PATH="$(abspath $(BIN)):$$PATH" VIRTUAL_ENV="$(abspath $(VENV))" $${SHELL:-sh}

run: setup  ## the main job in minutes: copying memory at T=100, three models, and a plot
	$(BIN)/urnn-bench run copy --T 100 --seeds 1 --updates 400
	$(BIN)/urnn-bench table copy
	$(BIN)/urnn-bench plot copy --figure learning_curves
	@echo "to go on: $(BIN)/urnn-bench --help, or first: source $(BIN)/activate"

test: setup  ## every test
	$(BIN)/python -m pytest

lint: setup  ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy, strict
	$(BIN)/mypy

smoke: setup  ## every model for a few updates, from nothing, then a plot
	$(BIN)/urnn-bench run smoke --force
	$(BIN)/urnn-bench plot smoke

figures: setup  ## draw the README's figures again from the committed records
	$(DRAW) copy --figure learning_curves --figure scores_by_length --results results/paper/readme
	$(DRAW) digits --figure learning_curves --results results/paper/readme
	$(DRAW) pdigits --figure learning_curves --results results/paper/readme
	$(DRAW) map-copy --figure solvability_map --results results/paper/maps
	$(DRAW) map-adding --figure solvability_map --results results/paper/maps
	$(DRAW) paper/urnn-fig1 --figure learning_curves --results results/paper/urnn-2016
	$(DRAW) paper/urnn-fig2 --figure learning_curves --results results/paper/urnn-2016
	$(DRAW) paper/urnn-fig3-ordered --figure learning_curves --results results/paper/urnn-2016
	$(DRAW) paper/urnn-fig3-permuted --figure learning_curves --results results/paper/urnn-2016
	$(DRAW) paper/urnn-fig4-gradients --figure gradient_norms --results results/paper/urnn-2016
	$(DRAW) paper/urnn-fig4-states --figure hidden_states --results results/paper/urnn-2016
	$(DRAW) beyond/copy --figure gradient_by_length --figure hidden_states --results results/paper/urnn-2016
	$(DRAW) beyond/adding --figure gradient_norms --figure memory_over_training --results results/paper/urnn-2016
	$(DRAW) beyond/precision-lengths --figure precision_by_length --results results/paper/urnn-2016
	$(DRAW) beyond/precision-ordered --figure precision_over_training --results results/paper/urnn-2016
	$(DRAW) beyond/precision-permuted --figure precision_over_training --results results/paper/urnn-2016
	$(DRAW) momentum/digits --figure learning_curves --figure gradient_heatmap --results results/paper/momentum-2020
	$(DRAW) momentum/speech --figure learning_curves --results results/paper/momentum-2020
	$(DRAW) momentum/adding --figure learning_curves --results results/paper/momentum-2020
	$(DRAW) momentum/copy --figure learning_curves --results results/paper/momentum-2020
	$(DRAW) hippo/trajectories --figure length_generalisation --results results/paper/hippo-2020
	$(DRAW) hippo/memories --figure reconstruction --results results/paper/hippo-2020
	$(DRAW) hippo/gradients --figure gradient_norms --results results/paper/hippo-2020
	$(DRAW) hippo/delay --figure learning_curves --results results/paper/hippo-2020
	$(DRAW) hippo/reconstruct --figure learning_curves --results results/paper/hippo-2020
	$(DRAW) reservoirs/trajectories --figure recurrent_memory --results results/paper/hbp-esn-2020
	$(DRAW) reservoirs/vowels --figure recurrent_memory --results results/paper/hbp-esn-2020
	$(DRAW) reservoirs/spoken-digits --figure recurrent_memory --results results/paper/hbp-esn-2020
	$(DRAW) reservoirs/mackey-glass --figure recurrent_memory --results results/paper/hbp-esn-2020
	$(DRAW) reservoirs/memory-capacity --figure memory_capacity --results results/paper/hbp-esn-2020
	$(DRAW) lake/mendota --figure scores_by_key --results results/paper/pgrnn-2021
	$(DRAW) lake/profiles --figure temperature_profiles --figure energy_imbalance --figure density_inversions --results results/paper/pgrnn-2021
	$(DRAW) conv/noisy --figure scores_by_model --figure accuracy_over_time --results results/paper/convrnn-2018
	$(DRAW) conv/memory --figure length_generalisation --figure state_norms_by_layer --results results/paper/convrnn-2018
	$(DRAW) conv/search --figure search_progress --figure search_importance --figure network_diagram --results results/paper/convrnn-2018

attack: setup  ## attack the program for about an hour, and count what was tried
	$(BIN)/python -m pytest tests/attack --attack --attack-counts results/reliability -n 2 --timeout 7200
	$(BIN)/python docs/generate.py

docs: $(DOCS_STAMP)  ## build the documentation into site/, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

docs-tables: setup  ## write the generated tables of the README and of docs/ again
	$(BIN)/python docs/generate.py

ci: lint types test smoke docs  ## all that continuous integration asks

help:  ## say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14
