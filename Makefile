# Everything a person needs. `make run` and `make test` come first; `make help` lists the rest.

GO      ?= go
TAGS    := nobadger,nomysql,nopgx
GOFLAGS := -tags=$(TAGS)
export GOFLAGS
# Caddy needs no C compiler; the race detector does.
RACE    := $(if $(shell command -v cc 2>/dev/null),-race)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'

GOLANGCI    := v2.15.0
GOVULNCHECK := v1.9.0
BIN         := $(CURDIR)/build/bin

.PHONY: help run build test soak bench compare fuzz lint test-real xcaddy golden clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## start the gateway on its embedded organization, in the foreground
	@examples/run.sh

build: ## build Caddy with the gateway into build/caddy
	@mkdir -p build
	$(BUILD) -o build/caddy ./cmd/caddy

test: ## run all tests, with the race detector where there is a C compiler to link it
	@[ -n "$(RACE)" ] || echo 'No C compiler: the race detector is left out.'
	$(GO) test $(RACE) -timeout 15m ./...

SEEDS ?= 200
soak: ## provision what changes at random while everything goes wrong: SEEDS=200 lives, or SEED=n, which is told in full
	SEEDS=$(SEEDS) SEED=$(if $(filter file,$(origin SEED)),,$(SEED)) $(GO) test -run 'TestSoak' -timeout 60m -v ./integration

bench: ## measure, always as a ratio to a floor of the same run
	$(GO) test -run '^$$' -bench . -benchtime 1s ./transforms/...
	$(GO) test -run '^$$' -bench 'Serve' -benchtime 1s ./module
	$(GO) test -run '^$$' -bench 'Overhead' -benchtime 20x ./integration
	$(GO) test -run '^$$' -bench 'Timeline|Write|Render' -benchtime 20x ./module/provlog
	$(GO) test -run '^$$' -bench 'Record' -benchtime 1000000x -timeout 30m ./module/provlog
	$(GO) test -run '^$$' -bench 'Throttle|Tenants' -benchtime 5x ./integration
	$(GO) test -run '^$$' -bench 'BenchmarkStorage|Page|Refresh|Member' -benchtime 1x ./integration
	$(GO) test -run '^$$' -bench 'Provisioning|Cycle' -benchtime 1x -timeout 30m ./integration

N       ?= 300000
SEED    ?= 1
compare: ## run N generated requests through the rules of this tree and of commit BASE, and show what differs
	@test -n "$(BASE)" || { echo 'make compare BASE=<commit> [N=300000] [SEED=1]'; exit 1; }
	$(GO) run ./integration/compare -base $(BASE) -n $(N) -seed $(SEED)

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

lint: $(BIN)/golangci-lint $(BIN)/govulncheck ## gofmt, go vet, golangci-lint, govulncheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags $(TAGS),real ./integration
	$(BIN)/golangci-lint run ./...
	$(BIN)/golangci-lint run --build-tags $(TAGS),real ./integration
	@.ci/vulnerabilities $(BIN)/govulncheck

$(BIN)/golangci-lint:
	GOFLAGS= GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)

$(BIN)/govulncheck:
	GOFLAGS= GOBIN=$(BIN) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK)

test-real: ## Entra's cycle and the acceptance scenarios on real servers, installed and started here; other people's judges; every sabotage
	$(GO) test -tags $(TAGS),real -run 'TestPocketBase|TestRedmine|TestJupyterHub|TestFlaskAppBuilder|TestJudges|TestTester|TestSanity' -timeout 40m -v ./integration
	SABOTAGE=all $(GO) test -run 'TestConvergence' -timeout 20m ./integration

xcaddy: ## build with xcaddy from this checkout, as a user would
	@mkdir -p build
	GOFLAGS= $(GO) run github.com/caddyserver/xcaddy/cmd/xcaddy@v0.4.5 build v2.11.9 \
		--with github.com/caddy-scim/gateway@v0.0.0=. --output build/caddy-xcaddy

golden: ## write the golden files anew; read the diff before committing it
	$(GO) test ./caddyfile ./transforms/quirks -run 'Golden|Docs|Mapping' -update

clean: ## remove what was built and what make run has kept
	rm -rf build .run
