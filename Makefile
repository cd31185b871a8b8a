# llmops: "make" prints the targets.

GO        ?= go
BIN       ?= bin
PKG       ?= ./...
FUZZTIME  ?= 30s
STEPS     ?= 1000000
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT    ?= $(shell git rev-parse -q --verify HEAD 2>/dev/null)
DATE      ?= $(shell git log -1 --format=%cI 2>/dev/null)
CROSS     ?= linux/amd64 linux/arm64 darwin/arm64 windows/amd64
GOLANGCI  ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# the last one that builds with Go 1.26; building it takes minutes the first time
GORELEASER ?= $(GO) run github.com/goreleaser/goreleaser/v2@v2.14.3

GOVULNCHECK ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

CLI       := llmops/cmd/internal/cli
STAMP     := -s -w -X $(CLI).version=$(VERSION) -X $(CLI).commit=$(COMMIT) -X $(CLI).date=$(DATE)

# NVML needs cgo and a C compiler. Its functions are bound when they are first
# called, so linking must be lazy, whatever the compiler's default is; and its
# header marks functions as deprecated that are still the only ones on old drivers.
ifneq ($(shell command -v cc 2>/dev/null),)
export CGO_CFLAGS ?= -O2 -g -Wno-deprecated-declarations
LDFLAGS   := -ldflags '-extldflags=-Wl,-z,lazy $(STAMP)'
TESTFLAGS := -ldflags '-extldflags=-Wl,-z,lazy'
ifneq ($(shell uname -s),Linux)
LDFLAGS   := -ldflags '$(STAMP)'
TESTFLAGS :=
endif
NVML      := yes
else
export CGO_ENABLED := 0
LDFLAGS   := -ldflags '$(STAMP)'
TESTFLAGS :=
NVML      := no
endif

# A release for Linux with NVML needs a C compiler for each architecture.
SKIP_NVML := $(strip $(if $(shell command -v x86_64-linux-gnu-gcc 2>/dev/null),,amd64) $(if $(shell command -v aarch64-linux-gnu-gcc 2>/dev/null),,arm64))

.DEFAULT_GOAL := help
# What a binary tells of where it was built; empty builds faster after make test.
TRIMPATH := -trimpath

.PHONY: help build demo test imports race lint fmt bench fuzz docs docs-check golden cross cross-test snapshot release reproducible vuln newcomer release-check oracle clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/llmops
ifeq ($(NVML),no)
	@echo "no C compiler (cc): CGO_ENABLED=0, NVML is left out"
endif
	$(GO) build $(TRIMPATH) $(LDFLAGS) -o $(BIN)/llmops ./cmd/llmops

demo: build ## build, then run the whole chain on the embedded server
	./$(BIN)/llmops demo

test: ## vet and run every test
ifeq ($(NVML),no)
	@echo "no C compiler (cc): CGO_ENABLED=0, NVML is left out"
endif
	$(GO) vet $(PKG)
	$(GO) test -timeout 5m $(TESTFLAGS) $(PKG)

imports: ## check who imports whom (docs/architecture.md)
	$(GO) test $(TESTFLAGS) -run '^TestImports$$' ./cmd/llmops

race: ## run every test with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(RACEFLAGS) $(TESTFLAGS) $(PKG)

lint: ## check format, vet and lint
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not formatted (run make fmt):"; echo "$$out"; exit 1; fi
	$(GO) vet $(PKG)
	$(GO) run $(GOLANGCI) run $(PKG)

fmt: ## format the source
	gofmt -w .

bench: ## run the benchmarks
	$(GO) test $(TESTFLAGS) -run '^$$' -bench . -benchmem $(PKG)

fuzz: ## fuzz every target for FUZZTIME (30s)
	@set -e; for pkg in $$($(GO) list $(PKG)); do \
	  for target in $$($(GO) test $(TESTFLAGS) -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; \
	    $(GO) test $(TESTFLAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

docs: ## write docs/reference, docs/exit-codes.md; man pages and completions into dist
	$(GO) run $(TESTFLAGS) ./cmd/gendocs -man dist/man -completions dist/completions

docs-check: docs ## check that the generated pages are those in git
	@changed=$$(git status --porcelain docs/reference docs/exit-codes.md docs/catalogue.md docs/schemas) || exit 1; \
	if [ -n "$$changed" ]; then echo "generated pages changed: commit them"; echo "$$changed"; exit 1; fi

golden: ## rewrite what the command-line scripts expect
	$(GO) test $(TESTFLAGS) ./cmd/llmops -run TestScripts -update

cross: ## build without cgo for linux, darwin and windows
	@set -e; for target in $(CROSS); do \
	  echo "build $$target without cgo"; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build $(TRIMPATH) -o /dev/null ./cmd/llmops; \
	done

cross-test: ## vet and build every package and every test for darwin and windows
	@set -e; for target in darwin/arm64 windows/amd64; do \
	  echo "vet $$target, build its tests"; \
	  export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
	  $(GO) vet $(PKG); \
	  $(GO) test -c -o /dev/null $(PKG); \
	done

snapshot: ## pack in dist/release what this host can build, and check it; publishes nothing
	$(GORELEASER) check
	SKIP_NVML="$(SKIP_NVML)" $(GORELEASER) release --snapshot --clean --skip=publish,sign
	$(GO) run ./cmd/release check -without "$(patsubst %,linux_%_nvml,$(SKIP_NVML))" dist/release

release: ## publish the tag that is checked out; needs $GITHUB_TOKEN
	SKIP_NVML="$(SKIP_NVML)" $(GORELEASER) release --clean

reproducible: ## build twice, the second time elsewhere and from nothing; the bytes must be the same
	@set -e; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	mkdir "$$work/elsewhere"; git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$$work/elsewhere" 2>/dev/null || true; \
	build() { (cd "$$1" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false $(GO) build -trimpath -ldflags '$(STAMP)' -o "$$2" ./cmd/llmops); }; \
	build . "$$work/one"; GOCACHE="$$work/cache" build "$$work/elsewhere" "$$work/two"; \
	sha256sum "$$work/one" "$$work/two" | sed "s|$$work/||"; \
	cmp "$$work/one" "$$work/two" && echo "the same bytes"

newcomer: ## time the way from a clone to a first verdict, with an empty build cache
	docs/newcomer.sh

vuln: ## look for known vulnerabilities in what is linked (needs a network)
	$(GOVULNCHECK) ./cmd/llmops

RELEASE_STEPS := test lint $(if $(filter yes,$(NVML)),race) cross-test docs-check snapshot

release-check: $(RELEASE_STEPS) ## everything a release must pass on this host
	@echo "passed: $(RELEASE_STEPS)"
ifeq ($(NVML),no)
	@echo "left out: race, and the tests of NVML: no C compiler (cc)"
endif
ifneq ($(SKIP_NVML),)
	@echo "left out: NVML archives for $(SKIP_NVML): no C compiler for that (docs/releasing.md)"
endif
	@echo "left out, always: running what is not for $$($(GO) env GOHOSTOS)/$$($(GO) env GOHOSTARCH), publishing, signing"

oracle: ## hold the replay of rules to Prometheus's own over STEPS (1000000) random evaluations
	cd analysis/alerting/oracle && $(GO) test -timeout 2h -v -run Oracle . -args -steps $(STEPS)

clean: ## remove what was built
	rm -rf $(BIN) dist
