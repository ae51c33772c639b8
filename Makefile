# The targets of everyday work. Each is one command, the same here and in CI.

.DEFAULT_GOAL := help
.PHONY: help build run demo test fmt lint unit shipping contract web model deny soak bench growth pictures dist \
  dist-test reproducible clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

build: ## the release executable, target/release/gpt-assistant
	cargo build --release

run: ## serve from this folder with a debug build
	cargo run

demo: ## a real model and the server, on this machine; Ctrl-C ends both
	tools/demo

test: ## everything that must pass: format, lints, unit, API, packaging, reference, browser, real model
	tools/test

fmt: ## format the code
	cargo fmt

lint: ## formats and lints, warnings as errors
	tools/test lint

unit: ## the Rust tests: unit, API, command line, tidiness
	tools/test unit

shipping: ## unit file, container file, proxies and Litestream by the shipped examples; dependencies
	tools/test shipping

contract: ## the server against its own OpenAPI document, by schemathesis
	tools/test contract

deny: ## licences, sources and known faults of dependencies
	tools/deny

web: ## the page in real Chromium
	tools/test web

model: ## a chat against a real model
	tools/test model

soak: ## the long loops, for some hours: faults at every write, kills, fuzz; ARGS="kills=100 minutes=5 fuzz=1000" for less
	tools/soak $(ARGS)

bench: ## measure beside nginx; ARGS="--update" writes README's table
	cargo build --release
	cargo run --quiet --release -p bench -- $(ARGS)

growth: ## measure what costs do as work grows, for a quarter of an hour; ARGS="--update" writes docs/PERFORMANCE.md
	cargo build --release
	cargo run --quiet --release -p bench -- growth $(ARGS)

pictures: ## pictures of every view into pictures/
	cargo build
	tests/web/pictures

dist: ## a release in dist/: one static executable and all that goes with it; TARGET=aarch64-unknown-linux-musl for arm64
	tools/dist

dist-test: dist ## a release tried where there is nothing but it; as root, which it needs to change into a folder
	tools/dist-test

reproducible: ## two builds of the last commit in different folders, compared byte for byte
	tools/reproducible

clean: ## what was built
	cargo clean
