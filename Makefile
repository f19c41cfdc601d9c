# Fescue's tasks. `make` alone lists them.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Functions begin at multiples of 16 bytes instead of 32: 0.3 MB less.
LDFLAGS := -s -w -funcalign=16 -X fescue.dev/fescue/app.version=$(VERSION)
GO ?= go
# Built without inlining, which is 2.3 MB less of binary, of which every device
# holds the most part in memory: packages whose speed nobody waits for, and
# nats-server, whose messages cost 0.1 µs (NATS) and 0.3 µs (MQTT) of processor
# more by it.
LEAN := $(foreach m,github.com/tetratelabs/wazero github.com/jackc/pgx/v5 github.com/danielgtaylor/huma/v2 github.com/goccy/go-yaml \
	github.com/pressly/goose/v3 github.com/spf13/cobra github.com/spf13/pflag golang.org/x/text github.com/nats-io/jwt/v2 \
	github.com/nats-io/nats-server/v2 github.com/nats-io/nats.go github.com/nats-io/nkeys github.com/Masterminds/semver/v3 \
	github.com/klauspost/compress fescue.dev/fescue/cli fescue.dev/fescue/client fescue.dev/fescue/server fescue.dev/fescue/artifact fescue.dev/fescue/spec \
	fescue.dev/fescue/device/micro fescue.dev/fescue/device/runtimes/container,\
	-gcflags=$(m)/...=-l) $(foreach p,crypto/tls crypto/x509 database/sql debug/dwarf encoding/gob encoding/xml internal/profile math/big \
	regexp/syntax runtime/pprof text/template/parse archive/tar archive/zip,-gcflags=$(p)=-l)
TOOLS := .tools
GOTESTSUM = $(GO) run gotest.tools/gotestsum@v1.13.0 --format pkgname --
PY := $(TOOLS)/venv/bin/python

export CGO_ENABLED ?= 0
# A Node.js that tools/deps.sh had to install comes first.
export PATH := $(CURDIR)/$(TOOLS)/node/node_modules/.bin:$(PATH)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: console ## Build bin/fescue, with the web console if npm is there
	$(GO) build -trimpath $(LEAN) -ldflags '$(LDFLAGS)' -o bin/fescue ./cmd/fescue

.PHONY: console
console: # built again only when its sources changed
	@./tools/console.sh

.PHONY: demo
demo: build ## Start everything, deploy the polynomial example, show the roots (ONCE=1 ends after them)
	./tools/demo.sh

.PHONY: test
test: deps micro-deps check test-go test-python test-js test-java test-c test-web ## Install what the tests need and run all of them

.PHONY: deps
deps: ## Install what the tests need (Debian packages, a Python environment)
	./tools/deps.sh

.PHONY: micro-deps
micro-deps: ## Install the microcontrollers' compilers and emulators (Debian packages)
	./tools/micro-deps.sh

.PHONY: micro
micro: ## Build bin/fescue-micro, the micro agent as a process (fescue micro simulate)
	@mkdir -p bin
	cc -std=gnu99 -O2 -DFESCUE_SIGNATURES=1 -o bin/fescue-micro micro/core/*.c micro/ports/posix/*.c

.PHONY: micro-soak
micro-soak: ## Cut the power of a microcontroller's agent CUTS times (default 5000)
	FESCUE_MICRO_CUTS=$${CUTS:-5000} $(GO) test ./micro/test -run TestPowerCuts -v -timeout 3h

.PHONY: micro-sizes
micro-sizes: ## Print what the micro agent takes on each target
	./tools/micro-sizes.sh

.PHONY: micro-bench
micro-bench: ## Measure the virtual machine against native code, in instructions of an emulated Cortex-M3
	./bench/micro/run.sh

.PHONY: check
check: ## Formatting and vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'd:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...

.PHONY: test-go
test-go: build
	$(GOTESTSUM) -timeout 20m $$($(GO) list ./... | grep -vE '/exchange/mqueue$$|/sdk/conformance$$')
	@# Alone: these tests use up what the kernel lets a user have of message queues.
	$(GOTESTSUM) -timeout 10m -p 1 ./exchange/mqueue ./sdk/conformance

.PHONY: test-python
test-python: deps
	$(PY) -m pytest -q sdk/python examples

.PHONY: test-js
test-js: deps ## Types and tests of the JavaScript SDK
	cd sdk/js && npm install --no-package-lock --no-audit --no-fund --silent && npm run --silent check && npm test --silent
	node --test examples/polynomial-roots/js/*.test.mjs

.PHONY: test-java
test-java: deps ## Package and tests of the Java SDK
	mvn -q -B -f sdk/java verify

.PHONY: test-c
test-c: deps ## The C and C++ SDKs: vectors, sanitizers, fuzzers, packages
	$(PY) -m pytest -q sdk/c
	$(PY) -m pytest -q sdk/cpp

.PHONY: test-race
test-race: deps ## The parts with the most concurrency, under the race detector
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m ./exchange/... ./fabric ./device/access ./device/engine ./device/gateway ./device/agent ./device/logs ./server/api ./server/fleet ./client

.PHONY: soak
soak: deps build ## The long forms of tests: 100,000 kept messages and 20 kills of the broker, MQTT's promises over 12 kills, fuzzers (FUZZTIME)
	FESCUE_TEST_LONG=1 $(GO) test -count=1 -v -timeout 60m -run 'Killed|Promises' ./exchange/unix ./device/access
	FESCUE_TEST_LONG=1 $(GO) test -count=1 -p 1 -timeout 120m ./exchange/... ./device/access ./device/engine ./fabric
	./tools/fuzz.sh $${FUZZTIME:-60s}

.PHONY: test-web
test-web: deps ## Types, units and, in a real browser against the real binary, the whole console
	@REQUIRED=1 ./tools/console.sh
	@$(MAKE) --no-print-directory build
	cd web && npm run --silent check && npm run --silent test && npm run --silent e2e

.PHONY: screenshots
screenshots: build ## Pictures of every page of the console, into .screenshots/
	cd web && npm run --silent screenshots

.PHONY: race
race: deps ## All Go tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 40m ./...

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (default 30s) each
	./tools/fuzz.sh $${FUZZTIME:-30s}

.PHONY: bench
bench: build ## Measure the figures of docs/reference/figures.md
	./bench/run.sh

.PHONY: lint
lint: ## golangci-lint with .golangci.yml
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run ./...

.PHONY: docs
docs: build ## Write man pages and completions under bin/
	./bin/fescue docs man bin/man
	mkdir -p bin/completion && for s in bash zsh fish; do ./bin/fescue completion $$s > bin/completion/fescue.$$s; done

.PHONY: golden
golden: ## Rewrite golden files (OpenAPI, JSON Schema, dependency list); read the diff
	$(GO) test ./spec ./server/api ./internal/repository -run Golden -update

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin $(TOOLS) .screenshots web/dist web/node_modules server/console/dist/*
