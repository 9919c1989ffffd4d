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
// works without a cluster writes its name into it now and then. Who finds another name there than its own, which it had
// written, is not alone. A gateway that was replaced by another one never looks again. Beside a cluster the two find each
// other by what the other one goes on writing: the lease, or this record.
type presence struct {
	looking sync.WaitGroup // what is under way

	mu        sync.Mutex
	process   string
	wrote     bool
	clustered bool
	others    string // what the other kind of gateway wrote, as it was last seen
	looked    bool
	at        time.Time
	second    bool
}

type presenceRecord struct {
	Process string `json:"process"`
	Mark    string `json:"mark"` // another one each time
}

// touch is called by every operation that this gateway carries out. It waits for nothing.
func (p *presence) touch(s *Seat, clustered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() && time.Since(p.at) < presenceEvery {
		return
	}
	p.at = time.Now()
	if p.clustered != clustered { // a reload
		p.clustered, p.looked = clustered, false
	}
	p.looking.Go(func() { p.look(s, clustered) })
}

func (p *presence) look(s *Seat, clustered bool) {
	ctx := context.Background()
	key, other := s.Key("presence"), s.Key("lease")
	if clustered {
		key, other = other, key
	}
	beside, err := s.storage.Load(ctx, other)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // operations tell of a storage that cannot be read
	}
	if p.foreign(beside) {
		s.log().Error("a gateway without the option cluster provisions the organization beside a cluster: the two do not know of each other "+
			"and undo each other's work; stop one, or give all the option cluster", zap.String("organization", s.name))
	}
	if clustered {
		return
	}
	text, err := s.storage.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	var r presenceRecord
	_ = json.Unmarshal(text, &r)
	p.mu.Lock()
	alone := !p.wrote || r.Process == "" || r.Process == p.process
	p.second = p.second || !alone
	value, err := json.Marshal(presenceRecord{Process: p.process, Mark: rand.Text()})
	p.mu.Unlock()
	if !alone {
		s.log().Error("a second gateway provisions the organization: two that do not know of each other undo each other's work; "+
			"stop one, or give both the option cluster", zap.String("organization", s.name))
	}
	if err != nil || s.storage.Store(ctx, key, value) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrote = true
}

// foreign notes what the other kind of gateway has written, and reports whether it is new: one that has ended writes no more.
func (p *presence) foreign(text []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.second = p.looked && string(text) != p.others && len(text) > 0
	p.looked, p.others = true, string(text)
	return p.second
}

func (p *presence) isSecond() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.second
}
