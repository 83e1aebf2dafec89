# What a person can do here. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run test ci bench gen fmt lint
SHELL := bash

# Where rustup puts cargo, for shells that were not told.
export PATH := $(PATH):$(HOME)/.cargo/bin

help: ## lists these verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

run: ## builds and starts Gatepost on its embedded default
	cargo run --locked --release -- serve

test: ## installs what the tests need and runs all of them
	tests/tools/prepare
	tests/tools/buf-check
	cargo test --workspace --locked
	cargo test --locked --manifest-path rivals/Cargo.toml
	GATEPOST_TEST_BACKEND=cluster cargo test --locked --test main

ci: lint test ## everything that a change must pass

lint: ## format, clippy, dependencies; changes nothing
	tests/tools/prepare
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	"$$(sed -n s/^GATEPOST_TEST_CARGO_DENY=//p target/test-tools/env)" \
		--locked --log-level error check bans licenses sources

bench: ## measures what docs/benchmarks.md reports
	python3 tests/tools/bench --write $(ROWS)

gen: ## writes again the generated files that are kept in the tree
	tests/tools/gen

fmt: ## formats Rust, protos and Go
	tests/tools/prepare
	cargo fmt --all
	"$$(sed -n s/^GATEPOST_TEST_BUF=//p target/test-tools/env)" format --write proto
	cd tests/lib-auth && "$$(sed -n s/^GATEPOST_TEST_GO=//p ../../target/test-tools/env)" fmt .
