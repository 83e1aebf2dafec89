package main

import (
	"context"

	"github.com/LerianStudio/lib-auth/v2/auth/middleware"
	"github.com/LerianStudio/lib-observability/log"
)

// connect makes the library's client as a product does, with a logger that stays silent: the
// library logs each refusal, and most checks here are refusals.
func connect(address string) *middleware.AuthClient {
	silent := log.NewNop()
	return middleware.NewAuthClient(address, true, &silent)
}

// checkMachineToken gets the machine's token through the library and answers it.
func checkMachineToken(r *report, client *middleware.AuthClient, id, secret string) string {
	ctx := context.Background()

	token, err := client.GetApplicationToken(ctx, id, secret)
	r.check("machine token, right secret: error", nil, err)
	r.check("machine token, right secret: there is one", true, token != "")

	// A refusal has to be an error for the library, never an empty token without one.
	none, err := client.GetApplicationToken(ctx, id, secret+"x")
	r.check("machine token, wrong secret: is an error", true, err != nil)
	r.check("machine token, wrong secret: token", "", none)

	none, err = client.GetApplicationToken(ctx, "no-such-client", secret)
	r.check("machine token, unknown client: is an error", true, err != nil)
	r.check("machine token, unknown client: token", "", none)
	return token
}
