package explain

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/cobra"

	"github.com/caddy-scim/gateway/module"
	"github.com/caddy-scim/gateway/module/admin"
	"github.com/caddy-scim/gateway/module/dryrun"
	"github.com/caddy-scim/gateway/module/provlog"
)

func init() { admin.RegisterCommand(command) }

// options are what the command line says.
type options struct {
	config, adapter, organization string
	method, path                  string
	row                           int64
	file                          string
	upstream, json                bool
}

// ErrRefused says that a request would be refused.
var ErrRefused = errors.New("it would be refused")

func command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "explain [--config <file>] [--organization <name>] [--upstream] [--json] < request",
		Short: "Says what would become of a request, and why",
		Long: `
Reads a request from the standard input: as it travels, as a HAR, as a JSON body
(--method and --path say what it is the body of; without them that is guessed), or as
a line of "caddy scim log --json". --row takes one from the provisioning log.

It is carried out as the gateway of the configuration would, with its rules, but in a
dry run: nothing is changed. Without --upstream the organization is not asked
either; with it, it is read. No running Caddy is needed. Whose key the request has
is not checked.

The exit status is 1 when the request would be refused.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			refused, err := o.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
			if err == nil && refused {
				cmd.SilenceUsage, cmd.SilenceErrors = true, true
				return ErrRefused
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", "", "The configuration; the default is the Caddyfile of this folder")
	f.StringVarP(&o.adapter, "adapter", "a", "", "The adapter of the configuration")
	f.StringVarP(&o.organization, "organization", "o", "", "The organization; not needed where there is only one")
	f.StringVar(&o.method, "method", "", "The method of a body: POST, PUT, PATCH")
	f.StringVar(&o.path, "path", "", "The path of a body, such as /Users/123")
	f.Int64Var(&o.row, "row", 0, "A record of the provisioning log, by its number")
	f.StringVar(&o.file, "file", "", "The provisioning log; the default is that of the configuration")
	f.BoolVar(&o.upstream, "upstream", false, "Ask the organization: reads alone, nothing is changed")
	f.BoolVar(&o.json, "json", false, "As JSON, one line for each request")
	return cmd
}

// run explains what is given, and reports whether any of it would be refused.
func (o *options) run(ctx context.Context, in io.Reader, out io.Writer) (refused bool, err error) {
	whole, every, err := admin.Configured(o.config, o.adapter)
	if err != nil {
		return false, err
	}
	if whole == nil {
		return false, errors.New("there is no configuration: --config names it")
	}
	all, err := o.given(ctx, in, every)
	if err != nil {
		return false, err
	}
	f, err := choose(every, o.organization, all[0].Target)
	if err != nil {
		return false, err
	}
	g, err := open(f, whole, o.upstream)
	if err != nil {
		return false, err
	}
	defer g.close()
	for i, q := range all {
		e, err := g.explain(ctx, q)
		if err != nil {
			return false, err
		}
		refused = refused || e.Outcome == Refused
		if o.json {
			err = json.NewEncoder(out).Encode(e)
		} else {
			if i > 0 {
				_, _ = io.WriteString(out, "\n\n")
			}
			_, err = io.WriteString(out, e.text())
		}
		if err != nil {
			return false, err
		}
	}
	return refused, nil
}

// given returns the requests that are to be explained.
func (o *options) given(ctx context.Context, in io.Reader, every []*admin.Gateway) ([]*request, error) {
	if o.row == 0 {
		if file, ok := in.(*os.File); ok {
			if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
				return nil, errors.New("the request is read from the standard input: caddy scim explain < request")
			}
		}
		return requests(in, o.method, o.path)
	}
	file := o.file
	for _, f := range every { // those that keep one mostly share it
		log, _ := f.Config["provisioning_log"].(map[string]any)
		if name, _ := log["file"].(string); name != provlog.Off && (o.organization == "" || f.Name == o.organization) {
			file = cmp.Or(file, name)
		}
	}
	file = cmp.Or(file, provlog.DefaultFile())
	r, err := provlog.OpenReader(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no provisioning log at %s: --file says where it is", file)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	record, err := r.Record(ctx, o.row)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, fmt.Errorf("the provisioning log %s has no record %d", file, o.row)
	}
	return one(row(record))
}

// explain carries one request out in the dry run.
func (g *gateway) explain(ctx context.Context, q *request) (*Explanation, error) {
	var entry *provlog.Entry
	var failure error
	ctx = module.Watched(ctx, func(e *provlog.Entry, err error) { entry, failure = e, err })
	r, err := http.NewRequestWithContext(ctx, q.Method, "http://scim.invalid"+q.Target, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr = q.Target, "127.0.0.1:0"
	if host := q.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header = q.Header.Clone()
	r.Header.Set("Authorization", "Bearer "+g.secret)
	w := nobody{}
	if err := g.handler.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, &caddyhttp.Server{})); err != nil {
		return nil, err
	}
	if entry == nil {
		return nil, fmt.Errorf("%s %s is nothing that a gateway would log", q.Method, q.Target)
	}
	e := &Explanation{Request: q.Method + " " + q.Target, Guessed: q.Guessed, Outcome: Done, Record: provlog.Describe(g.name, entry)}
	e.Key = ""
	switch {
	case errors.Is(failure, dryrun.ErrOffline):
		e.Outcome, e.Status, e.Failed, e.Error = Asks, 0, false, ""
	case failure != nil && !errors.Is(failure, dryrun.ErrNotDone):
		e.Outcome = Refused
	default:
		e.Failed = false
	}
	return e, nil
}

// nobody reads the answer: what it is has been told.
type nobody http.Header

func (n nobody) Header() http.Header       { return http.Header(n) }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}
