// Drop-in test: Lerian's own client library, unchanged, as an outside client of a running Gatepost.
//
// It guards a small Fiber application and a small gRPC service with the library, calls both as a
// person, as a machine, with no token and with rubbish, and compares each answer. It prints one
// line a check and exits 1 when any of them is wrong.
//
// Environment:
//
//	GATEPOST_URL    base address of Gatepost, such as http://127.0.0.1:4000
//	CLIENT_ID       a machine application that may get and delete midaz accounts, and nothing of
//	                plugin-fees
//	CLIENT_SECRET   its secret
//	USER_TOKEN      access token of a person who may get midaz accounts, but not delete them,
//	                and nothing of plugin-fees
package main

import (
	"fmt"
	"os"
)

// A question is what a route or a method asks Gatepost before it lets a call in.
type question struct{ product, resource, action string }

var (
	getAccounts    = question{"midaz", "accounts", "get"}
	deleteAccounts = question{"midaz", "accounts", "delete"}
	getPackages    = question{"plugin-fees", "packages", "get"}
)

// report counts and prints what was expected and what came.
type report struct{ passed, failed int }

func (r *report) check(name string, want, got any) {
	if want == got {
		r.passed++
		fmt.Printf("ok    %s: %v\n", name, got)
		return
	}
	r.failed++
	fmt.Printf("WRONG %s: want %v, got %v\n", name, want, got)
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "%s is not set\n", name)
		os.Exit(2)
	}
	return value
}

func main() {
	client := connect(setting("GATEPOST_URL"))
	person := setting("USER_TOKEN")
	clientID, secret := setting("CLIENT_ID"), setting("CLIENT_SECRET")

	result := &report{}
	machine := checkMachineToken(result, client, clientID, secret)
	checkHTTP(result, client, person, machine)
	checkGRPC(result, client, person, machine)

	fmt.Printf("%d passed, %d failed\n", result.passed, result.failed)
	if result.failed > 0 {
		os.Exit(1)
	}
}
