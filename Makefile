# `make` lists the targets.
GO ?= go
NPM ?= npm
BIN := bin
# the tag of the commit, else a version that sorts by its time, as Go makes them
VERSION ?= $(shell git describe --tags --exact-match --match 'v*' 2>/dev/null || TZ=UTC git log -1 --abbrev=12 --date=format-local:%Y%m%d%H%M%S --format=v0.0.0-%cd-%h 2>/dev/null || echo devel)
STAMP = -s -w -X github.com/vnfm/vnfm/cmd/stamp.version=$(VERSION)
LINT_VERSION := v2.15.0

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build and start everything: SQLite, embedded bus, simulated VIM, sample package
	$(GO) run ./cmd/vnfmd dev

build: ## build both programs, static and stripped, into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(STAMP)' -o $(BIN)/ ./cmd/vnfmd ./cmd/vnfm

release: build ## make dist/: packages (.deb, .rpm, .tar.gz), container image, Helm chart, SBOM, checksums; the same bytes from the same commit
	cd deploy/release && CGO_ENABLED=0 $(GO) build -trimpath -o ../../$(BIN)/release .
	$(BIN)/release -bin $(BIN) -dist dist -version $(VERSION) -revision $$(git rev-parse HEAD) -at $$(git log -1 --format=%ct)

test: deps ## run all tests on memory, SQLite and PostgreSQL, with the race detector
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race -timeout 40m ./...

test-fast: deps ## the same without the race detector
	$(GO) test -timeout 10m ./...

test-deep: ## run whole, without the race detector, what it makes too slow: each way to fail at each command, random histories
	$(GO) test -count=1 -timeout 20m ./lcm

test-kubernetes: release ## run the Kubernetes and Helm drivers, whole lives of VNFs, the packed chart of vnfmd, and the pages for Kubernetes, against a real control plane on loopback (built the first time: 10 to 20 minutes), and stop it
	@kubeconfig=$$(./deploy/k8s-lab.sh up) && { VNFM_TEST_KUBECONFIG=$$kubeconfig $(GO) test -p 1 -count=1 -timeout 30m -tags kubernetes ./vim/kubernetes/... ./vim/helm/... && \
		VNFM_TEST_KUBECONFIG=$$kubeconfig $(GO) test -count=1 -timeout 20m -tags kubernetes -run 'OfAChart|OfAnInstall|OfTwoTypes|PagesOnKubernetes' ./e2e && \
		VNFM_TEST_CHART=$$(ls $(CURDIR)/dist/vnfm-chart-*.tgz) VNFM_TEST_KUBECONFIG=$$kubeconfig $(GO) test -count=1 -timeout 10m -tags kubernetes -run OnACluster ./deploy; \
		rc=$$?; ./deploy/k8s-lab.sh down; exit $$rc; }

test-openstack: ## run the OpenStack driver's suite, a whole life of a VNF and the page for OpenStack against a real OpenStack from nothing on loopback (225 MB of Debian's packages the first time, root), and stop it
	@./deploy/openstack-test.sh

test-openstack-all: ## as test-openstack, then the driver's scenarios
	@./deploy/openstack-test.sh all

test-kafka: deps ## run the bus's suite, and operations, over a real Apache Kafka and Kafka Connect on loopback (90 MB fetched the first time), and stop it; BROKERS=3
	@TOOLS=kafka ./deploy/test-deps.sh
	@brokers=$$(./deploy/kafka-lab.sh up) && connect=$$(./deploy/kafka-lab.sh connect) && { VNFM_TEST_KAFKA=$$brokers VNFM_TEST_CONNECT=$$connect $(GO) test -count=1 -timeout 20m -tags broker -run Broker ./bus/kafka ./server ./e2e; \
		rc=$$?; ./deploy/kafka-lab.sh down; exit $$rc; }
	@brokers=$$(./deploy/kafka-lab.sh up) && connect=$$(EXACTLY_ONCE=enabled ./deploy/kafka-lab.sh connect) && { EXACTLY_ONCE=enabled VNFM_TEST_KAFKA=$$brokers VNFM_TEST_CONNECT=$$connect \
		$(GO) test -count=1 -timeout 5m -tags broker -run ExactlyOnce ./server; \
		rc=$$?; ./deploy/kafka-lab.sh down; exit $$rc; }

test-release: release ## install what release made: the packages into a Debian of their own, the image without an engine; needs root
	@TOOLS=release ./deploy/test-deps.sh
	VNFM_TEST_CHART=$$(ls $(CURDIR)/dist/vnfm-chart-*.tgz) $(GO) test -count=1 ./deploy
	./deploy/release/test.sh dist $(BIN)

test-monitoring: ## check the alert rules with promtool, and try each
	@TOOLS=monitoring ./deploy/test-deps.sh
	promtool check rules deploy/monitoring/alerts.yaml
	promtool test rules deploy/monitoring/alerts-test.yaml

fuzz: ## fuzz every decoder, FUZZTIME each (default 10s)
	@GO=$(GO) ./deploy/fuzz.sh $${FUZZTIME:-10s}

bench: deps ## measure: engine, instantiate, start-up, size; one table, the bare PostgreSQL commit rate beside it
	$(GO) run ./bench

bench-kafka: deps ## measure what Kafka costs beside the embedded bus: relay, way of a message, instantiate; real ones on loopback, started and stopped
	@TOOLS=kafka ./deploy/test-deps.sh
	@brokers=$$(./deploy/kafka-lab.sh up) && connect=$$(./deploy/kafka-lab.sh connect) && { VNFM_TEST_KAFKA=$$brokers VNFM_TEST_CONNECT=$$connect $(GO) run ./bench -only kafka; \
		rc=$$?; ./deploy/kafka-lab.sh down; exit $$rc; }

bench-scale: deps ## measure queries, instantiate and rebuild with 100,000 instances and 1 M operations (PostgreSQL; a fifth on SQLite)
	$(GO) run ./bench -only scale

bench-peers: deps ## measure the engine against DBOS, River and Temporal on one PostgreSQL; CLIENTS=n (default 64); a module of its own
	cd bench/peers && $(GO) run . -clients $(or $(CLIENTS),64)

sim: ## simulate the whole program: SEEDS=n (default 2000), SEED=n for the trace of one, LONG=1h for that long
	$(GO) run ./simulation/simrun $(if $(SEED),-seed $(SEED) -v,$(if $(LONG),-long $(LONG),-seeds $(or $(SEEDS),2000)))

sim-mutants: ## take out one safeguard after the other: seeds must find each, from WINDOWS starts (default 5), within SEEDS (default 400)
	$(GO) run ./simulation/simrun -mutant all -seeds $(or $(SEEDS),400) -windows $(or $(WINDOWS),5)

mutants: deps ## put small faults into the sources, one at a time: unit tests, else SEEDS (default 60), must find 95 of 100; ONLY=regexp
	$(GO) run ./internal/mutants $(if $(SEEDS),-seeds $(SEEDS)) $(if $(ONLY),-only '$(ONLY)')

torture: deps ## torture real processes on SQLite and PostgreSQL for MINUTES each (default 5), at the same time with TOGETHER=1; others with BACKENDS=kafka-polling,kafka-cdc; report in bin/torture
	@$(if $(findstring kafka,$(BACKENDS)),TOOLS=kafka ./deploy/test-deps.sh)
	$(GO) run ./torture -minutes $${MINUTES:-5} $(if $(TOGETHER),-together) $(if $(BACKENDS),-backend $(BACKENDS)) $(if $(SEED),-seed $(SEED))

lint: $(BIN)/golangci-lint ## run the linters
	$(BIN)/golangci-lint run ./...

$(BIN)/golangci-lint:
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

generate: ## write everything generated
	$(GO) generate ./...

verify: generate ui ## fail when something generated is not up to date, or not committed; the console included, which needs Node
	@git diff --exit-code && test -z "$$(git status --porcelain)" || { git status --short; exit 1; }

ui: ## build the console of ui/ into console/console.zip, the same bytes everywhere; needs Node
	@TOOLS=node ./deploy/test-deps.sh
	@$(NPM) --prefix ui ci --no-audit --no-fund --loglevel=error
	@$(NPM) --prefix ui run build

test-ui: build ## test the console: its logic, then its pages in Debian's Chromium against the real server; needs Node
	@TOOLS=ui ./deploy/test-deps.sh
	$(NPM) --prefix ui ci --no-audit --no-fund --loglevel=error
	$(NPM) --prefix ui test
	VNFMD=$(CURDIR)/$(BIN)/vnfmd $(NPM) --prefix ui run e2e

deps: ## install what the tests need: PostgreSQL's programs, a C compiler for the race detector, git
	@./deploy/test-deps.sh

.PHONY: help run build ui test-ui test test-fast test-deep test-kubernetes test-openstack test-openstack-all test-kafka test-monitoring fuzz bench bench-kafka bench-scale bench-peers sim sim-mutants mutants torture lint generate verify deps release test-release
