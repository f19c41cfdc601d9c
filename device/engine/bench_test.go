package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"fescue.dev/fescue/device/gateway"
)

// BenchmarkHTTP calls a Python function through the gateway, 16 requests at once; every answer is checked.
func BenchmarkHTTP(b *testing.B) {
	d, url := deviceWithGateway(b)
	d.apply(d.function(b, 1, "app", "1.0.0", echo, "triggers: [{http: POST /echo, auth: public}]\nlimits: {concurrency: 2}\n"))
	d.succeeds(b, 1)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var n atomic.Int64
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			want := fmt.Sprintf(`{"n":%d}`, n.Add(1))
			r, err := client.Post(url+"/echo", "application/json", strings.NewReader(want))
			if err != nil {
				b.Error(err)
				return
			}
			got, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || string(got) != want {
				b.Errorf("%q, %v; want %q", got, err, want)
			}
		}
	})
}

// BenchmarkInvoke calls a Python function directly, one call at a time.
func BenchmarkInvoke(b *testing.B) {
	d, _ := deviceWithGateway(b)
	d.apply(d.function(b, 1, "app", "1.0.0", echo, ""))
	d.succeeds(b, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.answers(b, "app", fmt.Sprint(i), fmt.Sprint(i))
	}
}

func deviceWithGateway(b *testing.B) (*device, string) {
	b.Helper()
	g, err := gateway.New(gateway.Options{Address: "127.0.0.1:0", Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return newDevice(b, func(o *Options) { o.Gateway = g }), g.URL()
}
