package pgstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spanticket/spanticket/correlate/internal/fleet"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the schema and its tables, or brings them up to date. It may be
// called again, and by several processes at once: one does the work. It needs
// the rights to do so, which the services themselves do not. Tables of a newer
// version are left as they are.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("pgstore: migrating schema %s: %w", s.schema, fleet.Safe(err))
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	// The lock is that of the transaction.
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "spanticket "+s.schema); err != nil {
		return err
	}
	// CREATE SCHEMA IF NOT EXISTS asks for a right that is not needed if there is one.
	var there bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, s.name).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := tx.ExecContext(ctx, `CREATE SCHEMA `+s.schema); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+s.schema+`.migrations (number integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())`); err != nil {
		return err
	}
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT max(number) FROM `+s.schema+`.migrations`).Scan(&last); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql") // in order
	if err != nil {
		return err
	}
	for _, path := range names {
		name := strings.TrimPrefix(path, "migrations/")
		number, err := strconv.ParseInt(name[:4], 10, 64)
		if err != nil {
			return err
		}
		if number <= last.Int64 {
			continue
		}
		text, err := migrations.ReadFile(path)
		if err != nil {
			return err
		}
		if err := s.apply(ctx, tx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO `+s.schema+`.migrations (number, name) VALUES ($1, $2)`, number, name); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// apply runs the statements of a migration, one at a time: not every driver
// takes several. None holds a semicolon or two dashes inside.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, text string) error {
	var lines []string
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		lines = append(lines, strings.TrimRight(code, "\n"))
	}
	for statement := range strings.SplitSeq(strings.Join(lines, "\n"), ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, strings.ReplaceAll(statement, "{schema}", s.schema)); err != nil {
			return err
		}
	}
	return nil
}
