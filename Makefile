# Everything that is done with this repository; bare `make` lists it.
PYTHON ?= python3
# Empty: PyPI's build of torch (CUDA on Linux) instead of the one for machines without a GPU.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
COMPOSE ?= docker compose
# Processes that share the quick tests; 0: the one that was called.
TEST_WORKERS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install
PROJECTS := proto facetkit demo/world demo/models demo/training \
	services/gateway services/vision-models services/search mesh
LOCKS := $(patsubst %,constraints/%.txt,build gateway vision-models search mesh)
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
NO_PYTHON := $(shell test -x $(BIN)/python || echo no-python)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test test-slow lint format proto lock bench-embed bench-search bench-sync bench-duplicates bench-captions bench-generation demo-models demo-eval images up down clean no-python

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 18

install: $(INSTALLED) ## make .venv with what the mesh needs

run: $(INSTALLED) ## run the whole mesh on this machine
	@exec $(BIN)/python -m mesh

test: $(INSTALLED_DEV) ## the quick tests
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_WORKERS) --dist loadfile $(ARGS)

test-slow: $(INSTALLED_DEV) ## faults, browser and whole-mesh runs
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(INSTALLED_DEV) ## style, types, layers, protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p facetkit -p gateway -p vision_models -p search -p mesh \
		-p small_world -p facet_demo_models -p demo_training
	$(BIN)/mypy tests bench scripts
	$(BIN)/lint-imports
	cd proto && ../$(BIN)/buf lint
	scripts/proto.sh --check

format: $(INSTALLED_DEV) ## put the code into style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(INSTALLED_DEV) ## generate the stubs anew
	scripts/proto.sh

lock: ## write constraints/ from what is installed in .venv
	$(BIN)/python scripts/lock.py

bench-embed: $(INSTALLED_DEV) ## embeddings: the mesh against infinity, LitServe, a plain server
	TORCH_INDEX="$(TORCH_INDEX)" $(BIN)/python -m bench.embed

bench-search: $(INSTALLED_DEV) ## vector search through gRPC against loops in one process
	$(BIN)/python -m bench.search

bench-sync: $(INSTALLED_DEV) ## synchronisation against a bare listing, and what callers notice
	$(BIN)/python -m bench.sync

bench-duplicates: $(INSTALLED_DEV) ## tiers of duplicates: precision and recall
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.duplicates

bench-captions: $(INSTALLED_DEV) ## captions: the mesh against one batched generate, hits against an echo
	$(BIN)/python -m bench.captions

bench-generation: $(INSTALLED_DEV) ## pictures and masks: the service against the bare loops
	$(BIN)/python -m bench.generation

demo-models: $(INSTALLED) ## train the demo models anew (20 minutes on two cores)
	$(BIN)/python -m demo_training make

demo-eval: $(INSTALLED) ## measure the demo models on what training never showed
	$(BIN)/python -m demo_training evaluate

images: ## build the container images
	$(COMPOSE) build

up: ## run the whole mesh in containers
	$(COMPOSE) up --build --detach --wait

down: ## stop the containers; the data stays in their volumes
	$(COMPOSE) down

clean: ## remove .venv and caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): $(LOCKS) $(PROJECTS:%=%/pyproject.toml) $(NO_PYTHON)
	@scripts/venv.sh "$(PYTHON)"
	@if [ -n "$(TORCH_INDEX)" ]; then \
		index=$$($(BIN)/python scripts/torch_index.py "$(TORCH_INDEX)"); \
		if [ -n "$$index" ]; then \
			$(PIP) --no-deps --extra-index-url "$$index" -c constraints/vision-models.txt torch; \
		fi; \
	fi
	$(PIP) $(LOCKS:%=-r %)
	$(PIP) --no-build-isolation --no-deps $(PROJECTS:%=-e %)
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) constraints/dev.txt
	$(PIP) -r constraints/dev.txt
	@touch $@
