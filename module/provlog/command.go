package provlog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module/admin"
)

func init() { admin.RegisterCommand(command) }

// command is "caddy scim log". It reads the file, and needs no running Caddy.
func command() *cobra.Command {
	var c struct {
		file, config, adapter, since string
		search                       Search
		text                         string
		follow, json                 bool
	}
	cmd := &cobra.Command{
		Use:   "log [--organization <name>] [--subject <id|name>] [--failed] [--since <duration|RFC 3339>] [--follow] [--json]",
		Short: "Shows what the provider sent and what became of it",
		Long: `
Reads the provisioning log, also while Caddy writes it. --subject finds a user or a
group by id, or by a part of its name. With log_values masked a name is found by
the mark that the log shows in its place, or by the whole of it.

--json prints one record a line, with everything that the log knows.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := logFile(c.file, c.config, c.adapter)
			if err != nil {
				return err
			}
			if c.search.Since, err = moment(c.since, time.Now()); err != nil {
				return err
			}
			r, err := OpenReader(file)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no provisioning log at %s: --file or --config says where it is", file)
			}
			if err != nil {
				return err
			}
			defer r.Close()
			c.search.Text = spellings(file, c.text)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return show(ctx, cmd.OutOrStdout(), r, c.search, c.follow, c.json)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.file, "file", "", "The log's file; the default is that of --config, or Caddy's default")
	f.StringVarP(&c.config, "config", "c", "", "The configuration that names the file")
	f.StringVarP(&c.adapter, "adapter", "a", "", "The adapter of the configuration")
	f.StringVarP(&c.search.Organization, "organization", "o", "", "Only this organization")
	f.StringVarP(&c.text, "subject", "s", "", "Only this user or group: an id, or a part of a name")
	f.StringVar(&c.search.Verb, "verb", "", "Only this verb: list, read, create, replace, patch, delete")
	f.StringVar(&c.search.Rule, "rule", "", "Only requests to which this rule was applied")
	f.BoolVar(&c.search.Failed, "failed", false, "Only what was refused or failed")
	f.StringVar(&c.since, "since", "", "Only since then: 2h, or 2026-11-30T08:00:00Z")
	f.IntVarP(&c.search.Limit, "limit", "n", 100, "At most so many of the newest records")
	f.BoolVarP(&c.follow, "follow", "f", false, "Go on with what comes")
	f.BoolVar(&c.json, "json", false, "One JSON record a line")
	return cmd
}

// logFile finds out which file is meant.
func logFile(file, config, adapter string) (string, error) {
	if file != "" || config == "" {
		return cmp.Or(file, DefaultFile()), nil
	}
	_, all, err := admin.Configured(config, adapter)
	if err != nil {
		return "", err
	}
	for _, g := range all {
		if l, ok := g.Config["provisioning_log"].(map[string]any); ok {
			if file, _ = l["file"].(string); file != Off {
				return cmp.Or(file, DefaultFile()), nil
			}
		}
	}
	return "", errors.New("no gateway of the configuration keeps a provisioning log in a file")
}

// moment reads a duration before now, or a time.
func moment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a duration such as 2h nor a time such as 2026-11-30T08:00:00Z", s)
	}
	return t, nil
}

// spellings returns how a name may stand in a log: as it is, or as its mark.
func spellings(file, text string) []string {
	mode := Masked
	key, err := os.ReadFile(file + ".key") //nolint:gosec // the operator's path
	if err != nil {
		mode = Full
	}
	return newMasker(mode, key).spellings(text)
}

// show prints the newest records, the oldest of them first, and goes on with what comes.
func show(ctx context.Context, w io.Writer, r *Reader, s Search, follow, asJSON bool) error {
	found, err := r.Records(ctx, s)
	if err != nil {
		return err
	}
	last := int64(0)
	printed := func(record *Record) error {
		last = record.ID
		if asJSON {
			return json.NewEncoder(w).Encode(record)
		}
		_, err := io.WriteString(w, line(record))
		return err
	}
	for _, record := range slices.Backward(found) {
		if err := printed(record); err != nil {
			return err
		}
	}
	s.Oldest, s.Limit = true, 1000
	for follow {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
		s.After = last
		if found, err = r.Records(ctx, s); err != nil {
			return err
		}
		for _, record := range found {
			if err := printed(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// line returns a record for a terminal.
func line(r *Record) string {
	var b strings.Builder
	what := r.Resource + " " + r.Verb
	if r.Resource == "none" { // refused before anybody looked at what it asks for
		what = "request"
	}
	fmt.Fprintf(&b, "%s  %d  %s  %s", r.Time.Local().Format(time.DateTime), r.Status, admin.Printable(r.Organization), what)
	if r.Name != "" {
		fmt.Fprintf(&b, "  %s", admin.Printable(r.Name))
	}
	if r.Subject != "" {
		fmt.Fprintf(&b, "  (%s)", admin.Printable(r.Subject))
	}
	fmt.Fprintf(&b, "  #%d  %.0f ms\n", r.ID, r.Milliseconds)
	switch {
	case r.Leaver && r.Unclear:
		b.WriteString("    THE USER MAY STILL BE ACTIVE: what was said of active cannot be read, and was refused\n")
	case r.Leaver:
		b.WriteString("    THE USER IS STILL ACTIVE: the deactivation was refused\n")
	}
	if r.Error != "" {
		fmt.Fprintf(&b, "    %s\n", admin.Printable(r.Error))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "    %s", n.Kind)
		if n.Because != "" {
			fmt.Fprintf(&b, " because of %s", admin.Printable(n.Because))
		}
		if n.ID != "" && n.ID != r.Subject {
			fmt.Fprintf(&b, " %s", admin.Printable(n.ID))
		}
		if n.Value != "" {
			fmt.Fprintf(&b, " (%s)", admin.Printable(n.Value))
		}
		if n.Group != "" && n.Group != r.Subject {
			fmt.Fprintf(&b, " in %s", admin.Printable(n.Group))
		}
		b.WriteString("\n")
	}
	if len(r.NotKept) > 0 {
		fmt.Fprintf(&b, "    not kept: %s\n", admin.Printable(strings.Join(r.NotKept, ", ")))
	}
	return b.String()
}
