package store

import (
	"context"
	"time"

	"fescue.dev/fescue/spec"
)

// MetricsBlock is some time's samples of a device, as package metrics encodes them.
type MetricsBlock struct {
	Device     spec.DeviceID
	Start, End time.Time // of the periods that the samples tell of
	Step       time.Duration
	Samples    []byte
}

const metricsColumns = `device_id, start_at, end_at, step, samples`

func scanMetrics(row rowScanner) (b MetricsBlock, err error) {
	var start, end, step int64
	err = row.Scan(&b.Device, &start, &end, &step, &b.Samples)
	b.Start, b.End, b.Step = timeOf(start), timeOf(end), time.Duration(step)*time.Microsecond
	return b, err
}

// PutMetrics stores blocks, each in place of one of its device with the same start, and
// deletes those in place of which they are.
func (s *Store) PutMetrics(ctx context.Context, blocks, instead []MetricsBlock) error {
	return s.tx(ctx, "store metrics", "", nil, func(q querier) error {
		for _, b := range instead {
			if _, err := q.ExecContext(ctx, `DELETE FROM metrics WHERE device_id = $1 AND start_at = $2`, b.Device, b.Start.UnixMicro()); err != nil {
				return err
			}
		}
		for _, b := range blocks {
			_, err := q.ExecContext(ctx, `INSERT INTO metrics (`+metricsColumns+`) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (device_id, start_at) DO UPDATE SET end_at = excluded.end_at, step = excluded.step, samples = excluded.samples`,
				b.Device, b.Start.UnixMicro(), b.End.UnixMicro(), b.Step.Microseconds(), b.Samples)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Metrics are the blocks of a device, or with "" of all, that touch a time, oldest first.
func (s *Store) Metrics(ctx context.Context, device spec.DeviceID, from, to time.Time) ([]MetricsBlock, error) {
	blocks, err := query(ctx, s.db, scanMetrics, `SELECT `+metricsColumns+` FROM metrics
		WHERE ($1 = '' OR device_id = $1) AND end_at > $2 AND start_at <= $3 ORDER BY start_at, device_id`, device, from.UnixMicro(), to.UnixMicro())
	return blocks, s.explain(err, "read metrics", string(device))
}

// FineMetrics are the devices with blocks of a smaller step that end before a time.
func (s *Store) FineMetrics(ctx context.Context, step time.Duration, before time.Time) ([]spec.DeviceID, error) {
	devices, err := query(ctx, s.db, func(row rowScanner) (d spec.DeviceID, err error) { return d, row.Scan(&d) },
		`SELECT DISTINCT device_id FROM metrics WHERE step < $1 AND end_at < $2`, step.Microseconds(), before.UnixMicro())
	return devices, s.explain(err, "read metrics", "")
}

// ForgetMetrics deletes blocks that end before a time.
func (s *Store) ForgetMetrics(ctx context.Context, before time.Time) error {
	return s.tx(ctx, "forget metrics", "", nil, func(q querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM metrics WHERE end_at < $1`, before.UnixMicro())
		return err
	})
}
