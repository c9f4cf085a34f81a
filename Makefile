# Everything a developer runs. "make" alone lists the targets.

DATA_DIR ?= ./data
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# gin can speak MessagePack; we do not, and its codec takes a fifth of a cold build.
export GOFLAGS := $(GOFLAGS) -tags=nomsgpack

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: scale help demo build test race histories some-histories bench chaos some-chaos drill fuzz some-fuzz nightly check fmt fmt-check tidy-check generate-check vet lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## build and start the product with demonstration data in DATA_DIR (./data), and go on serving
	@DATA_DIR='$(DATA_DIR)' exec ./bin/bangfu demo

# On a machine with nothing cached the standard library compiles while the modules are still being fetched.
build: ## build bin/bangfu, one static binary
	@echo "building bin/bangfu …"
	@CGO_ENABLED=0 go build -trimpath net/http net/http/pprof database/sql log/slog text/template encoding/xml encoding/gob \
		image/jpeg image/png image/gif compress/flate math/big regexp mime/multipart testing & \
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/bangfu .

test: ## run all tests, on the embedded default and on MariaDB + Redis
	@scripts/with-services.sh scripts/test.sh

race: ## the same under the race detector, with fewer random histories
	@HISTORIES=$${HISTORIES:-40} scripts/with-services.sh scripts/test.sh -race

histories: ## 10,000 random histories of everything that moves money, with crashes (HISTORIES=n for another number); nightly
	HISTORIES=$${HISTORIES:-10000} go test ./app -run TestHistories -v -timeout 4h

some-histories: ## a few hundred of them
	@echo "== random histories"
	@HISTORIES=$${HISTORIES:-300} go test ./app -run TestHistories -count=1

bench: ## measure the checkout beside its alternatives (docs/bench); CITY=folder: on a whole city's tables too; BENCH: more flags
	@scripts/need-servers.sh go run ./scripts/bench -out docs/bench $(if $(CITY),-city '$(CITY)') $(BENCH)

chaos: ## break everything around the product on purpose, under load, and prove that nothing is lost (docs/chaos.md)
	@scripts/need-servers.sh go run ./scripts/chaos -doc docs/chaos.md $(CHAOS)

drill: ## back up under load, drop the database, restore it to a moment between (docs/drill.md)
	@scripts/need-servers.sh go run ./scripts/chaos -drill docs/drill.md $(CHAOS)

some-chaos: ## a short version of its main scenarios
	@echo "== chaos"
	@NEED_SERVERS=optional scripts/need-servers.sh go run ./scripts/chaos -quick -clients 16 -rate 300 $(CHAOS)

fuzz: ## every fuzz target, FUZZ_SECONDS=n (30) each; what breaks one stays in its testdata/fuzz
	@scripts/fuzz.sh

some-fuzz: ## the same for a second each, without coverage guidance
	@echo "== fuzz"
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-1} FUZZ_GUIDED=0 scripts/fuzz.sh

nightly: ## what CI runs at night (.ci/nightly), every step whatever became of the others; last, that the benchmark works
	@failed=; for step in histories fuzz chaos bench; do \
		flags=; [ $$step != bench ] || flags='-quick -out .cache/bench-quick'; \
		$(MAKE) --no-print-directory $$step BENCH="$$flags" || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "make nightly: failed:$$failed"; exit 1; fi; echo "make nightly: all green"

check: fmt-check tidy-check generate-check vet lint some-histories some-fuzz some-chaos race ## all that CI checks
	@echo
	@echo "make check: all green"

scale: ## make a city of a million members and measure the product on it; writes docs/bench/scale.md (CITY=folder keeps and reuses the city; an hour, 25 GB of disk)
	@go run ./scripts/scale measure -datadir '$(CITY)' -out docs/bench/scale.md $(SCALE)

fmt: ## format the Go code
	@git ls-files -z '*.go' | xargs -0 gofmt -w

fmt-check: ## fail on code that gofmt would change and on scripts that bash cannot parse
	@echo "== format"
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	@for script in scripts/*.sh .ci/run .ci/nightly; do bash -n "$$script" || exit 1; done

tidy-check: ## fail when go.mod or go.sum are not what "go mod tidy" makes of them
	@echo "== go mod tidy"
	@go mod tidy -diff
	@go mod verify

generate-check: ## fail when a generated file is out of date
	@echo "== generated files"
	@scripts/check-generated.sh

vet: ## go vet
	@echo "== go vet"
	@go vet ./...

lint: ## golangci-lint, in the pinned version
	@echo "== lint"
	@scripts/lint.sh

clean: ## remove what was built (not your data)
	rm -rf bin .cache
