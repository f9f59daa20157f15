package observe

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// instruments makes instruments, and remembers what went wrong and which of them are
// observed by a callback.
type instruments struct {
	meter    metric.Meter
	observed []metric.Observable
	err      error
}

func (m *instruments) counter(name, unit, about string) metric.Int64ObservableCounter {
	i, err := m.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.made(i, err)
	return i
}

func (m *instruments) upDown(name, unit, about string) metric.Int64ObservableUpDownCounter {
	i, err := m.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.made(i, err)
	return i
}

func (m *instruments) gauge(name, unit, about string) metric.Int64ObservableGauge {
	i, err := m.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.made(i, err)
	return i
}

func (m *instruments) rate(name, unit, about string) metric.Float64ObservableGauge {
	i, err := m.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.made(i, err)
	return i
}

func (m *instruments) made(i metric.Observable, err error) {
	m.observed = append(m.observed, i)
	m.err = errors.Join(m.err, err)
}

// histogram makes one that is told, and not asked.
func (m *instruments) histogram(name, unit, about string, bounds ...float64) metric.Float64Histogram {
	i, err := m.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(about), metric.WithExplicitBucketBoundaries(bounds...))
	m.err = errors.Join(m.err, err)
	return i
}
