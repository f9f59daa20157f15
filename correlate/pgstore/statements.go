package pgstore

import (
	"fmt"
	"strings"
)

// statements are the SQL of a schema.
type statements struct {
	schema      string
	read        string
	list        string // what comes after a key
	first       string // the first page
	scoped      string // what comes after a key, of one scope
	scopedFirst string
	tidy        string
}

const sameKey = `kind = $1::bytea AND namespace = $2::bytea AND service = $3::bytea AND environment = $4::bytea AND id = $5::bytea`

func newStatements(schema string) statements {
	const ofScope = " AND namespace = $7::bytea AND service = $8::bytea AND environment = $9::bytea"
	list := `
SELECT namespace, service, environment, id, version, data, expires
FROM ` + schema + `.records
WHERE kind = $1::bytea AND data IS NOT NULL AND (expires IS NULL OR expires > now())
  AND (namespace, service, environment, id) %s ($2::bytea, $3::bytea, $4::bytea, $5::bytea)%s
ORDER BY namespace, service, environment, id
LIMIT $6::bigint`
	return statements{
		schema: schema,
		read: `
SELECT r.version, r.data, r.expires, r.marks, r.data IS NOT NULL AND (r.expires IS NULL OR r.expires > now()),
       EXISTS (SELECT FROM ` + schema + `.deliveries WHERE id = $6::bytea AND lease = $7::text)
FROM (SELECT) one LEFT JOIN ` + schema + `.records r ON ` + sameKey,
		list: fmt.Sprintf(list, ">", ""), first: fmt.Sprintf(list, ">=", ""),
		scoped: fmt.Sprintf(list, ">", ofScope), scopedFirst: fmt.Sprintf(list, ">=", ofScope),
		tidy: `
DELETE FROM ` + schema + `.records r USING (
    SELECT kind, namespace, service, environment, id FROM ` + schema + `.records
    WHERE expires < now() LIMIT $1::bigint FOR UPDATE SKIP LOCKED
) old
WHERE (r.kind, r.namespace, r.service, r.environment, r.id) = (old.kind, old.namespace, old.service, old.environment, old.id)`,
	}
}

// write returns the statement that writes a record if nobody has written it
// since it was read, and with it the end of a claim and so many deliveries. It
// returns one row if it has written, and otherwise has changed nothing.
//
// Each step selects from the one before it, so that they happen in this order:
// the lease, the record, the deliveries.
func (s statements) write(row, settle bool, add int) string {
	var b strings.Builder
	n := 11
	param := func(typ string) string { n++; return fmt.Sprintf("$%d::%s", n, typ) }
	marks := ""
	if row {
		marks = param("bytea")
	}
	var id, lease, done, due, attempts string
	when := ""
	b.WriteString("WITH ")
	if settle {
		id, lease, done, due, attempts = param("bytea"), param("text"), param("boolean"), param("timestamptz"), param("integer")
		when = "EXISTS (SELECT FROM held)"
		fmt.Fprintf(&b, "held AS (SELECT number FROM %s.deliveries WHERE id = %s AND lease = %s FOR UPDATE),\n", s.schema, id, lease)
	}
	// A deletion leaves a row that expires; see fleet.Remember.
	const expires = `CASE WHEN $10::boolean THEN now() + make_interval(secs => $11::double precision) ELSE $8::timestamptz END`
	if row {
		fmt.Fprintf(&b, "written AS (UPDATE %s.records SET version = $6::integer, data = $7::bytea, expires = %s, marks = $9::bytea\n  WHERE %s AND marks = %s",
			s.schema, expires, sameKey, marks)
		if settle {
			b.WriteString(" AND " + when)
		}
		b.WriteString("\n  RETURNING true AS yes)")
	} else {
		fmt.Fprintf(&b, "written AS (INSERT INTO %s.records (kind, namespace, service, environment, id, version, data, expires, marks)\n  SELECT $1::bytea, $2::bytea, $3::bytea, $4::bytea, $5::bytea, $6::integer, $7::bytea, %s, $9::bytea",
			s.schema, expires)
		if settle {
			b.WriteString(" WHERE " + when)
		}
		b.WriteString("\n  ON CONFLICT DO NOTHING RETURNING true AS yes)")
	}
	if settle {
		fmt.Fprintf(&b, ",\nended AS (DELETE FROM %[1]s.deliveries d USING held, written WHERE %[2]s AND d.number = held.number)", s.schema, done)
		fmt.Fprintf(&b, ",\nwaits AS (UPDATE %[1]s.deliveries d SET due = %[3]s, attempts = %[4]s, lease = NULL, leased_until = NULL FROM held, written WHERE NOT %[2]s AND d.number = held.number)",
			s.schema, done, due, attempts)
	}
	if add > 0 {
		fmt.Fprintf(&b, ",\nqueued AS (INSERT INTO %s.deliveries (id, kind, namespace, service, environment, record, sink, operation, due, attempts, created)\n"+
			"  SELECT a.id, $1::bytea, $2::bytea, $3::bytea, $4::bytea, $5::bytea, a.sink, a.operation, a.due, a.attempts, a.created\n  FROM written, (VALUES ", s.schema)
		for i := range add {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "(%d, %s, %s, %s, %s, %s, %s)", i, param("bytea"), param("bytea"), param("text"), param("timestamptz"), param("integer"), param("timestamptz"))
		}
		b.WriteString(") AS a (place, id, sink, operation, due, attempts, created)\n  ORDER BY a.place ON CONFLICT DO NOTHING)")
	}
	b.WriteString("\nSELECT yes FROM written")
	return b.String()
}

// claim returns the statement that leases the first deliveries of lines, for a
// scope, so many sinks, and so many operations, or all if 0. Every row has when
// the first waiting line is due, and in how many seconds the first lease ends; one
// row has nothing else when nothing could be leased. It reads what waits of the scope once, in the order
// of the index; whatever plan is chosen, it costs no more than to sort that.
func (s statements) claim(sinks, operations int) string {
	names := make([]string, sinks)
	for i := range names {
		names[i] = fmt.Sprintf("$%d::bytea", 8+i)
	}
	wanted := "true"
	if operations > 0 {
		ops := make([]string, operations)
		for i := range ops {
			ops[i] = fmt.Sprintf("$%d::text", 8+sinks+i)
		}
		wanted = "operation IN (" + strings.Join(ops, ", ") + ")"
	}
	return fmt.Sprintf(`
WITH all_heads AS MATERIALIZED (
    SELECT DISTINCT ON (sink, kind, record) number, due, leased_until, operation
    FROM %[1]s.deliveries
    WHERE namespace = $1::bytea AND service = $2::bytea AND environment = $3::bytea AND sink IN (%[2]s)
    ORDER BY sink, kind, record, number
), heads AS (
    SELECT number, due, leased_until FROM all_heads WHERE %[3]s
), free AS MATERIALIZED (
    SELECT d.number FROM %[1]s.deliveries d
    WHERE d.number IN (
        SELECT number FROM heads
        WHERE due <= $4::timestamptz AND (leased_until IS NULL OR leased_until <= now())
        ORDER BY due, number LIMIT $6::bigint * 2 + 8)
      AND d.due <= $4::timestamptz AND (d.leased_until IS NULL OR d.leased_until <= now())
    ORDER BY d.due, d.number LIMIT $6::bigint
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE %[1]s.deliveries d
    SET lease = $7::text, leased_until = now() + make_interval(secs => $5::double precision)
    FROM free WHERE d.number = free.number
    RETURNING d.number, d.id, d.kind, d.record, d.sink, d.operation, d.due, d.attempts, d.created
), soon AS (
    SELECT min(due) FILTER (WHERE leased_until IS NULL OR leased_until <= now()) AS due,
           extract(epoch FROM min(leased_until) FILTER (WHERE leased_until > now()) - now())::double precision AS free
    FROM heads
)
SELECT c.id, c.kind, c.record, c.sink, c.operation, c.due, c.attempts, c.created, soon.due, soon.free
FROM soon LEFT JOIN claimed c ON true
ORDER BY c.due, c.number`, s.schema, strings.Join(names, ", "), wanted)
}
