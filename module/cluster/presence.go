package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"time"

	"go.uber.org/zap"
)

// presenceEvery is how often a gateway that works says that it is there, at most.
const presenceEvery = time.Minute

// presence finds out whether a second gateway provisions the organization, where only one may. There is one record: whoever
// works writes its name into it now and then. Who finds another name there than its own, which it had written, is not
// alone. A gateway that was replaced by another one never looks again.
type presence struct {
	looking sync.WaitGroup // what is under way

	mu      sync.Mutex
	process string
	wrote   string
	at      time.Time
	second  bool
}

type presenceRecord struct {
	Process string `json:"process"`
	Mark    string `json:"mark"` // another one each time
}

// touch is called by every operation. It waits for nothing.
func (p *presence) touch(s *Seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() && time.Since(p.at) < presenceEvery {
		return
	}
	if p.at = time.Now(); p.process == "" {
		p.process = rand.Text()
	}
	p.looking.Go(func() { p.look(s) })
}

func (p *presence) look(s *Seat) {
	ctx := context.Background()
	key := key("presence", s.name)
	text, err := s.storage.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // operations tell of a storage that cannot be read
	}
	var r presenceRecord
	_ = json.Unmarshal(text, &r)
	p.mu.Lock()
	second := p.wrote != "" && r.Process != "" && r.Process != p.process
	if p.wrote != "" || second {
		p.second = second
	}
	mark := rand.Text()
	value, err := json.Marshal(presenceRecord{Process: p.process, Mark: mark})
	p.mu.Unlock()
	if second {
		s.log().Error("a second gateway provisions the organization: two that do not know of each other undo each other's work; "+
			"stop one, or give both the option cluster", zap.String("organization", s.name))
	}
	if err != nil || s.storage.Store(ctx, key, value) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrote = mark
}

func (p *presence) isSecond() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.second
}
