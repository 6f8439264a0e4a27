# The front door. `make run` on an empty Debian 12 needs git, make, and root or sudo; see README.md.
#
#   make run  [REPO=path-or-url] [PORT=8080] [DATA=dir]   build, index, try, serve
#   make build                                            build/release/codelore
#   make test [PRESET=release|dev|asan|tsan|clang]        the fast test suite
#   make test-clients                                     real clients of the protocols (slow; needs npm, PyPI)
#   make bench                                            the benchmarks
#   make format
REPO ?= .
PORT ?= 8080
DATA ?= data
PRESET ?= release
BUILD = build/$(PRESET)

.PHONY: run build test test-clients bench format setup configure
.DEFAULT_GOAL := build

setup:
	@third_party/setup >/dev/null
	@third_party/llama/setup >/dev/null

configure: setup
	@cmake --preset $(PRESET) -DCODELORE_DEPS=$$(third_party/setup --print) \
		-DCODELORE_LLAMA=$$(third_party/llama/setup --print) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }

build: | build-folder configure
	@cmake --build $(BUILD) --target codelore

test: | build-folder configure
	@cmake --build $(BUILD)
	@cd $(BUILD) && ctest --output-on-failure

test-clients: build
	@tests/clients/run $(BUILD)/codelore

bench: | build-folder configure
	@cmake --build $(BUILD) --target bench

run: build
	@tools/first_run $(BUILD)/codelore '$(REPO)' '$(PORT)' '$(DATA)'

format:
	clang-format -i $$(git ls-files '*.h' '*.cc' ':!tests/testdata')

.PHONY: build-folder
build-folder:
	@mkdir -p build
