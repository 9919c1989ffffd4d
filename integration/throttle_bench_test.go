package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkThrottle puts a client with a key beside one that would send 10,000 requests a second without one, over 64
// connections from the same address, to a gateway in a process of its own. It reports by how much that moves the client's
// median (1.5 is the goal), and how many requests without a key were answered.
func BenchmarkThrottle(b *testing.B) {
	rec := newRecorder(b)
	addr := freeAddr(b)
	startProcess(b, b.TempDir(), "http://"+addr+" {"+gateway(rec.Listener.Addr().String(), "")+"\n}\n")
	client := &http.Client{Transport: &http.Transport{}}
	median := func(n int) float64 {
		took := make([]time.Duration, 0, n)
		for range n {
			r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/scim/Users/1", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+testKey)
			began := time.Now()
			res, err := client.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK {
				b.Fatalf("status %d", res.StatusCode)
			}
			took = append(took, time.Since(began))
			time.Sleep(2 * time.Millisecond)
		}
		slices.Sort(took)
		return float64(took[n/2])
	}
	median(200)
	var calm, busy, rate []float64
	for b.Loop() {
		calm = append(calm, median(500))
		ctx, cancel := context.WithCancel(context.Background())
		var sent atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { flood(ctx, addr, 10_000/64, &sent) })
		}
		began := time.Now()
		busy = append(busy, median(500))
		rate = append(rate, float64(sent.Load())/time.Since(began).Seconds())
		cancel()
		wg.Wait()
	}
	middle := func(all []float64) float64 { slices.Sort(all); return all[len(all)/2] }
	b.ReportMetric(middle(busy)/middle(calm), "p50-ratio")
	b.ReportMetric(middle(calm)/1e3, "calm-p50-µs")
	b.ReportMetric(middle(busy)/1e3, "busy-p50-µs")
	b.ReportMetric(middle(rate), "bad-answers/s")
	b.ReportMetric(0, "ns/op")
}

// flood sends requests with a wrong key at a rate, over one connection after the other, without waiting for answers.
func flood(ctx context.Context, addr string, rate int, sent *atomic.Int64) {
	const batch = 25
	request := strings.Repeat(fmt.Sprintf("GET /scim/Users/1 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer nobody-knows-this-key\r\n\r\n", addr), batch)
	tick := time.NewTicker(time.Second * batch / time.Duration(rate))
	defer tick.Stop()
	for ctx.Err() == nil {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			for in := bufio.NewReaderSize(conn, 64<<10); ; {
				line, err := in.ReadSlice('\n')
				if err != nil {
					return
				}
				if bytes.Contains(line, []byte("HTTP/1.1 4")) { // the body before it has no line end
					sent.Add(1)
				}
			}
		}()
		for err == nil && ctx.Err() == nil {
			<-tick.C
			_, err = io.WriteString(conn, request)
		}
		_ = conn.Close()
		<-answered
		stop()
	}
}
