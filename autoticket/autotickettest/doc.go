// Package autotickettest runs rule tests.
package autotickettest
