package metrics

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"io"
	"time"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// encode makes a block of samples, of which there is one at least: compressed JSON, because
// samples repeat each other.
func encode(device spec.DeviceID, step time.Duration, samples []spec.Sample) store.MetricsBlock {
	var text bytes.Buffer
	w, _ := flate.NewWriter(&text, flate.BestCompression) // the level is one
	_ = json.NewEncoder(w).Encode(samples)                // numbers and names, into memory: nothing can fail
	_ = w.Close()
	first, last := samples[0], samples[len(samples)-1]
	return store.MetricsBlock{
		Device: device, Start: first.Time().Add(-first.Length()), End: last.Time(), Step: step, Samples: text.Bytes(),
	}
}

// maxBlock bounds what a block may be when it is unpacked.
const maxBlock = 64 << 20

// decode gives a block's samples; one that cannot be read has none.
func decode(b store.MetricsBlock) []spec.Sample {
	var samples []spec.Sample
	r := flate.NewReader(bytes.NewReader(b.Samples))
	defer r.Close() //nolint:errcheck // only read
	if json.NewDecoder(io.LimitReader(r, maxBlock)).Decode(&samples) != nil {
		return nil
	}
	return samples
}
