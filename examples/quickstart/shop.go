package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/spanticket/spanticket/correlate/boltstore"
	"github.com/spanticket/spanticket/sinks/console"
)

// shop is everything that runs: the services, their customers, and where their
// tickets go.
type shop struct {
	screen   *screen
	store    *boltstore.Store // shared by all engines, and longer there than any
	folder   string           // where it is
	book     *book
	services []*service // in the order of a request
	load     *load

	failedPayments atomic.Int64 // as payment itself counts them
}

// openShop deploys all services. The shop must be closed, whatever the error.
func openShop(ctx context.Context, screen *screen) (*shop, error) {
	s := &shop{screen: screen, book: &book{screen: screen, console: console.New(console.Config{Writer: screen})}}
	var err error
	if s.folder, err = os.MkdirTemp("", "quickstart"); err != nil {
		return s, err
	}
	if s.store, err = boltstore.Open(boltstore.Config{Path: filepath.Join(s.folder, "tickets.db")}); err != nil {
		return s, err
	}
	for _, name := range []string{"storefront", "checkout", "payment"} {
		service, err := newService(name, name == "payment", s.store, s.book)
		if err != nil {
			return s, err
		}
		s.services = append(s.services, service)
	}
	storefront, checkout, payment := s.services[0], s.services[1], s.services[2]
	s.load = newLoad(storefront.address.url() + "/buy")
	// From the inside out, so that each finds the next one running.
	return s, errors.Join(
		s.deployPayment(ctx, goodPayment()),
		checkout.deploy(ctx, release{version: "3.8.0", revision: "c1b7e02d94", change: "Show the taxes"},
			relay("POST /checkout", "payment", payment.address.url()+"/charge")),
		storefront.deploy(ctx, release{version: "2.11.4", revision: "90ad55f1c3", change: "Larger pictures"},
			relay("POST /buy", "checkout", checkout.address.url()+"/checkout")),
	)
}

// paymentRelease is a release of payment, and the size of its pool.
type paymentRelease struct {
	release
	pool int
}

func goodPayment() paymentRelease {
	return paymentRelease{release{version: "1.4.2", revision: "7d20c8b6f5", change: "Name the order in errors"}, 16}
}

// badPayment can serve 2 payments in chargeTime, which is fewer than customers
// make.
func badPayment() paymentRelease {
	return paymentRelease{release{version: "1.5.0", revision: "e3f9a1407b", change: "Save memory: smaller connection pool"}, 2}
}

func (s *shop) deployPayment(ctx context.Context, r paymentRelease) error {
	return s.payment().deploy(ctx, r.release, pay(r.pool, &s.failedPayments))
}

func (s *shop) payment() *service { return s.services[len(s.services)-1] }

// showAddresses says where the services answer, and with what.
func (s *shop) showAddresses() {
	for _, service := range s.services {
		s.screen.say("%-10s %s  version %s", service.name, service.address.url(), service.running.version)
	}
}

// flush brings what has failed so far to the sink.
func (s *shop) flush(ctx context.Context) error {
	for _, service := range s.services {
		if err := service.running.engine.Flush(ctx); err != nil {
			return fmt.Errorf("%s: %w", service.name, err)
		}
	}
	return nil
}

// close stops all services, the one that customers call first.
func (s *shop) close(ctx context.Context) error {
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.stop(ctx))
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// spans returns how many spans the engines have seen, and how many of them
// failed, as far as that is decided.
func (s *shop) spans() (seen, failing int64) {
	for _, service := range s.services {
		st := service.stats()
		seen += st.Spans
		failing += failingSpans(st)
	}
	return seen, failing
}
