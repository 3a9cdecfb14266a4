PYTHON ?= python3
VENV := .venv
FULL := .venv-full
PACKAGES := common segmentation features generation orchestrator client
METADATA := constraints.txt scripts/install $(wildcard */pyproject.toml services/*/pyproject.toml protos/python/pyproject.toml)
PHOTO ?=

# The studio's compiled kernels and pip's downloads are the only things shared between runs.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: tryon
tryon: $(VENV)/.installed ## draw sample garments, start the four services, run one try-on; PHOTO=path for your own photo
	$(VENV)/bin/python scripts/tryon $(if $(PHOTO),"$(PHOTO)")

.PHONY: up
up: $(VENV)/.installed ## run the whole stack in the foreground until Ctrl-C
	$(VENV)/bin/fashquick up

.PHONY: test
test: lint ## lint, types, all tests
	$(FULL)/bin/python -m pytest

.PHONY: coverage
coverage: $(FULL)/.installed ## all tests, and what they do not reach; slower
	$(FULL)/bin/python -m pytest --cov --cov-report=term:skip-covered

.PHONY: conformance
conformance: $(FULL)/.installed ## test any server of a contract; TARGET=host:port, SERVICE=name if it does not say which
	@$(if $(TARGET),,$(error say which server to test: make conformance TARGET=localhost:7401))
	$(FULL)/bin/python -m pytest tests/conformance --target "$(TARGET)" $(if $(SERVICE),--service "$(SERVICE)")

.PHONY: lint
lint: $(FULL)/.installed ## ruff, mypy, import-linter, buf, drift of the stubs
	$(FULL)/bin/ruff check .
	$(FULL)/bin/ruff format --check .
	$(FULL)/bin/mypy $(foreach package,$(PACKAGES),-p fashquick_$(package))
	$(FULL)/bin/lint-imports
	cd protos && ../$(FULL)/bin/buf lint
	cd protos && ../$(FULL)/bin/buf breaking --against baseline.binpb
	$(FULL)/bin/python scripts/protos --check

.PHONY: protos
protos: $(FULL)/.installed ## make the Python stubs and the baseline from the .proto files
	$(FULL)/bin/python scripts/protos
	cd protos && ../$(FULL)/bin/buf build -o baseline.binpb

.PHONY: images
images: ## build the images with Docker; VARIANT=cuda: with the libraries for GPUs
	@command -v docker >/dev/null || { echo "Docker is not here; scripts/check_images replays the Dockerfiles without it" >&2; exit 1; }
	docker compose --file deploy/compose.yaml $(if $(filter cuda,$(VARIANT)),--file deploy/compose.gpu.yaml) build

.PHONY: bench
bench: $(FULL)/.installed ## measure every stage; FASHQUICK_PHOTOS=folder adds real photos
	$(FULL)/bin/python -m benchmarks

.PHONY: clean
clean: ## remove environments, caches and results
	rm -rf $(VENV) $(FULL) out .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(VENV)/.installed: $(METADATA)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python scripts/install local --editable
	@touch $@

$(FULL)/.installed: $(METADATA)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(FULL)
	$(FULL)/bin/python scripts/install full --editable
	@touch $@
