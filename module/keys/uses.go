package keys

import (
	"cmp"
	"context"
	"path"
	"time"

	"go.uber.org/zap"
)

const (
	// writeUsesEvery is how often the last use of a key is written: it says whether a key is still used, and costs little.
	writeUsesEvery = 10 * time.Minute

	// tellEvery is how often there is a line about a key that was replaced and is still used.
	tellEvery = time.Hour
)

// thresholds are how many days before its end a key is told of, the most first.
var thresholds = [...]int{30, 7, 1}

// writeUses writes when keys were last used, where what is written is older than every.
func (a *App) writeUses(ctx context.Context, every time.Duration) {
	for _, o := range a.organizations() {
		if o.ring == nil {
			continue
		}
		for _, i := range o.infos(time.Now()) {
			if i.ID == "" || i.LastUse.IsZero() {
				continue
			}
			o.mu.Lock()
			due := i.LastUse.After(o.flushed[i.ID]) && i.LastUse.Sub(o.flushed[i.ID]) >= every
			o.mu.Unlock()
			if !due {
				continue
			}
			key := path.Join(usedRoot, folder(o.name), i.ID)
			if !i.LastUse.After(o.writtenUse(ctx, i.ID)) || a.storage.Store(ctx, key, []byte(i.LastUse.Format(time.RFC3339))) == nil {
				o.mu.Lock()
				o.flushed[i.ID] = i.LastUse
				o.mu.Unlock()
			}
		}
	}
}

// warn tells of keys that end soon, and of those that were replaced and are still used.
func (o *Organization) warn(now time.Time) {
	for _, i := range o.infos(now) {
		if i.Status != "valid" {
			continue
		}
		o.warnOfEnd(i, now)
		if i.ReplacedBy == "" || i.LastUse.IsZero() || now.Sub(i.LastUse) > tellEvery {
			continue
		}
		o.mu.Lock()
		due := now.Sub(o.told[i.ID]) >= tellEvery && i.LastUse.After(o.told[i.ID])
		if due {
			o.told[i.ID] = now
		}
		o.mu.Unlock()
		if due {
			o.app.log.Warn("a key that was replaced is still used", zap.String("organization", o.name), zap.String("key", i.Name),
				zap.String("replaced_by", i.ReplacedBy), zap.Time("last_use", i.LastUse))
		}
	}
}

// end returns when a key stops to be valid, by itself or because somebody has said so; zero where it does not.
func (i Info) end() time.Time {
	end, _ := time.Parse(time.RFC3339, i.Expires)
	if !i.Revoked.IsZero() && (end.IsZero() || i.Revoked.Before(end)) {
		return i.Revoked
	}
	return end
}

// near returns how many of the thresholds an end is within; the zero time is none.
func near(end, now time.Time) int {
	n := 0
	for n < len(thresholds) && !end.IsZero() && end.Sub(now) <= time.Duration(thresholds[n])*24*time.Hour {
		n++
	}
	return n
}

func (o *Organization) warnOfEnd(i Info, now time.Time) {
	which, is := cmp.Or(i.ID, i.Name), near(i.end(), now)
	o.mu.Lock()
	before := o.warned[which]
	o.warned[which] = is
	o.mu.Unlock()
	if is != 0 && is != before {
		o.app.log.Warn("a key expires soon", zap.String("organization", o.name), zap.String("key", i.Name), zap.Time("expires", i.end()))
	}
}

// problems returns what somebody has to look after.
func (o *Organization) problems(now time.Time, all []Info) (problems []string) {
	if o.ring != nil {
		if err := o.ring.Stored().Err; err != nil {
			problems = append(problems, "the keys in the storage cannot all be read: "+err.Error())
		}
	}
	for _, i := range all {
		end := i.end()
		switch {
		case i.Status == "expired":
			problems = append(problems, "the key "+i.Name+" has expired")
		case i.Status == "valid" && !end.IsZero() && end.Sub(now) <= 30*24*time.Hour:
			problems = append(problems, "the key "+i.Name+" expires "+end.Format(time.RFC3339))
		}
		if i.Status == "valid" && i.ReplacedBy != "" && now.Sub(i.LastUse) < 24*time.Hour {
			problems = append(problems, "the key "+i.Name+" was replaced by "+i.ReplacedBy+" and is still used")
		}
	}
	return problems
}

// writtenUse returns when a key was last used, as far as any gateway has written it down.
func (o *Organization) writtenUse(ctx context.Context, id string) time.Time {
	text, err := within(ctx, time.Second, func(ctx context.Context) ([]byte, error) {
		return o.app.storage.Load(ctx, path.Join(usedRoot, folder(o.name), id))
	})
	if err != nil {
		return time.Time{} // it was not used, or that cannot be told now
	}
	t, _ := time.Parse(time.RFC3339, string(text))
	return t
}
