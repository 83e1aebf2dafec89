package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/LerianStudio/lib-auth/v2/auth/middleware"
	"github.com/gofiber/fiber/v2"
)

// checkHTTP asks a Fiber application whose routes the library guards.
func checkHTTP(r *report, client *middleware.AuthClient, person, machine string) {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	for _, q := range []question{getAccounts, deleteAccounts, getPackages} {
		app.Get(path(q), client.Authorize(q.product, q.resource, q.action), func(c *fiber.Ctx) error {
			return c.SendString("let in")
		})
	}

	for _, c := range []struct {
		name, authorization string
		question            question
		want                int
	}{
		{"person, granted", "Bearer " + person, getAccounts, http.StatusOK},
		{"person, bare token", person, getAccounts, http.StatusOK},
		{"person, not granted", "Bearer " + person, deleteAccounts, http.StatusForbidden},
		{"person, another product", "Bearer " + person, getPackages, http.StatusForbidden},
		{"machine, granted", "Bearer " + machine, getAccounts, http.StatusOK},
		{"machine, granted, delete", "Bearer " + machine, deleteAccounts, http.StatusOK},
		{"machine, another product", "Bearer " + machine, getPackages, http.StatusForbidden},
		{"no token", "", getAccounts, http.StatusUnauthorized},
		{"rubbish token", "Bearer rubbish", getAccounts, http.StatusUnauthorized},
		{"person, forged", "Bearer " + forged(person), getAccounts, http.StatusUnauthorized},
		{"machine, forged", "Bearer " + forged(machine), getAccounts, http.StatusUnauthorized},
	} {
		request := httptest.NewRequest(http.MethodGet, path(c.question), nil)
		if c.authorization != "" {
			request.Header.Set("Authorization", c.authorization)
		}
		var got any
		if response, err := app.Test(request, -1); err != nil {
			got = err
		} else {
			got = response.StatusCode
			_ = response.Body.Close()
		}
		r.check(fmt.Sprintf("HTTP, %s, %v", c.name, c.question), c.want, got)
	}
}

func path(q question) string {
	return "/" + q.product + "/" + q.resource + "/" + q.action
}

// forged keeps header and claims of a token and spoils its signature.
func forged(token string) string {
	if len(token) < 20 {
		return "e30.e30.AAAA"
	}
	spoiled := []byte(token)
	place := len(spoiled) - 10
	if spoiled[place] == 'A' {
		spoiled[place] = 'B'
	} else {
		spoiled[place] = 'A'
	}
	return string(spoiled)
}
