package queue

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func one(int) int64 { return 1 }

func TestWhatComesInThePauseIsDoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var pieces [][]int
		done := func() [][]int {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(pieces)
		}
		ended := false
		q := New(time.Second, one, func(all []int) {
			mu.Lock()
			defer mu.Unlock()
			pieces = append(pieces, all)
		}, func() { ended = true })
		began := time.Now()
		for i := range 3 {
			q.Add(i)
			time.Sleep(300 * time.Millisecond)
		}
		synctest.Wait()
		if len(done()) != 0 {
			t.Errorf("after %s: %v", time.Since(began), done())
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := done(); len(got) != 1 || !slices.Equal(got[0], []int{0, 1, 2}) {
			t.Errorf("after %s: %v", time.Since(began), got)
		}
		q.Add(3)
		q.Flush() // does not wait for the pause
		q.Flush()
		q.Add(4)
		q.Close()
		if took := time.Since(began); len(done()) != 3 || took != time.Second || !ended {
			t.Errorf("after %s: %v, ended %v", took, done(), ended)
		}
		if q.Add(5) {
			t.Error("work was taken that nobody does")
		}
		q.Flush()
	})
}

// While somebody works, or cannot, others are refused and none waits.
func TestQueueIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ size, want int64 }{"bytes": {1 << 20, MaxBytes >> 20}, "pieces": {1, 2 * MaxWaiting}} {
		t.Run(name, func(t *testing.T) {
			var begun sync.Once
			working, disk := make(chan struct{}), make(chan struct{})
			q := New(time.Hour, func(int64) int64 { return c.size }, func([]int64) {
				begun.Do(func() { close(working) })
				<-disk
			}, func() {})
			taken := int64(0)
			for i := range int64(10 * MaxWaiting) {
				if q.Add(i) {
					taken++
				}
				if i == MaxWaiting-1 {
					<-working // so much does not wait for an hour
				}
			}
			if taken > c.want || taken < c.want/2 {
				t.Errorf("%d were taken, want %d", taken, c.want)
			}
			close(disk)
			q.Flush()
			if !q.Add(0) {
				t.Error("there is room again, and nothing is taken")
			}
			q.Close()
		})
	}
}

func TestManyAddAtOnce(t *testing.T) {
	sum := 0
	q := New(0, one, func(all []int) { sum += len(all) }, func() {})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 500 {
				if !q.Add(i) {
					t.Error("there was no room")
				}
				if i%100 == 0 {
					q.Flush()
				}
			}
		})
	}
	wg.Wait()
	q.Close()
	if sum != 2000 {
		t.Errorf("%d of 2000 were done", sum)
	}
}
