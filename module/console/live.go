package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"
)

// live sends the rows of the log as they are written (server-sent events).
func (p *page) live(ctx context.Context) error {
	if p.gateway.Records() == nil {
		return p.refuse(http.StatusNotFound, "Not found", "There is no log to follow.")
	}
	records, stop := p.gateway.Records().Log().Follow(p.Org)
	defer stop()
	p.w.Header().Set("Content-Type", "text/event-stream")
	p.w.Header().Set("X-Accel-Buffering", "no")
	p.w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(p.w)
	_ = out.SetWriteDeadline(time.Time{})
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	for {
		if err := out.Flush(); err != nil {
			return nil //nolint:nilerr // the browser is gone
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.ended:
			return nil
		case <-beat.C:
			fmt.Fprint(p.w, ": \n\n")
		case r := <-records:
			var b bytes.Buffer
			p.Data = r
			if err := templates.ExecuteTemplate(&b, "row", map[string]any{"Base": p.Base(), "Record": r}); err != nil {
				return nil //nolint:nilerr // half of an answer is written: there is nobody to tell
			}
			fmt.Fprintf(p.w, "id: %d\ndata: %s\n\n", r.ID, bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte(" ")))
		}
	}
}
