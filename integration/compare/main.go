// Command compare runs the same generated requests through this state of the rules and an earlier one, and says where
// documents, errors and counts differ:
//
//	make compare BASE=cc0893c N=300000
//
// The earlier state is built in a git worktree of its own, with this directory copied into it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/caddy-scim/gateway/integration/compare/outcome"
	"github.com/caddy-scim/gateway/integration/compare/requests"
	"github.com/caddy-scim/gateway/transforms/quirks"
)

const here = "integration/compare"

func main() {
	var (
		base   = flag.String("base", "", "the earlier commit")
		n      = flag.Int("n", 300_000, "requests")
		seed   = flag.Uint64("seed", 1, "seed of the requests")
		show   = flag.Int("show", 10, "differences to show")
		answer = flag.Bool("answer", false, "read requests, write outcomes; first the names of all profiles and rules")
	)
	flag.Parse()
	err := func() error {
		if *answer {
			return answerAll(os.Stdin, os.Stdout)
		}
		return compare(*base, *n, *seed, *show)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// known is a generator with the profiles and rules of this state.
func known() (g requests.Generator) {
	g.Profiles = quirks.Profiles()
	for _, r := range quirks.Rules() {
		g.Rules = append(g.Rules, r.ID)
	}
	return g
}

// answerAll writes the outcome of each request that it reads.
func answerAll(in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	dec, enc := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(w)
	if err := enc.Encode(known()); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for {
		var r requests.Request
		if err := dec.Decode(&r); err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return err
		}
		if err := enc.Encode(outcome.Of(&r)); err != nil {
			return err
		}
	}
}

// build makes the program that answers in the earlier state.
func build(base, dir string) (program string, err error) {
	tree := filepath.Join(dir, "tree")
	program = filepath.Join(dir, "earlier")
	for _, args := range [][]string{
		{"git", "worktree", "add", "--quiet", "--detach", tree, base},
		{"rm", "-rf", filepath.Join(tree, here)},
		{"cp", "-r", here, filepath.Join(tree, here)},
		{"go", "build", "-C", tree, "-o", program, "./" + here},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%v: %w", args, err)
		}
	}
	return program, nil
}

func compare(base string, n int, seed uint64, show int) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer func() {
		_ = exec.Command("git", "worktree", "remove", "--force", filepath.Join(dir, "tree")).Run()
		_ = os.RemoveAll(dir)
	}()
	program, err := build(base, dir)
	if err != nil {
		return err
	}
	earlier := exec.Command(program, "-answer")
	to, err := earlier.StdinPipe()
	if err != nil {
		return err
	}
	from, err := earlier.StdoutPipe()
	if err != nil {
		return err
	}
	earlier.Stderr = os.Stderr
	if err := earlier.Start(); err != nil {
		return err
	}
	dec := json.NewDecoder(bufio.NewReader(from))
	var was requests.Generator
	if err := dec.Decode(&was); err != nil {
		return err
	}
	g := known()
	g.Seed, g.Long = seed, true
	g.Profiles = slices.DeleteFunc(g.Profiles, func(name string) bool { return !slices.Contains(was.Profiles, name) })
	g.Rules = slices.DeleteFunc(g.Rules, func(id string) bool { return !slices.Contains(was.Rules, id) })
	go func() {
		w := bufio.NewWriter(to)
		enc := json.NewEncoder(w)
		for i := range n {
			_ = enc.Encode(g.Request(i))
		}
		_ = w.Flush()
		_ = to.Close()
	}()
	t := tally{show: show}
	for i := range n {
		var was outcome.Outcome
		if err := dec.Decode(&was); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		r := g.Request(i)
		is := outcome.Of(&r)
		t.add(i, &r, &was, &is)
	}
	fmt.Printf("%d requests: %d documents or errors differ, %d counts, %d records; %d faults before, %d now\n", n, t.texts, t.counts, t.records, t.before, t.now)
	return earlier.Wait()
}

// tally counts differences, and shows the first ones of each kind.
type tally struct {
	texts, counts, records, before, now int
	show                                int
}

func (t *tally) add(i int, r *requests.Request, was, is *outcome.Outcome) {
	differs := func(n *int, what, a, b string) {
		if *n++; *n <= t.show {
			fmt.Printf("%s of request %d: %s %s +%v -%v group %t\n  %s\nwas\n  %s\nis\n  %s\n", what, i, r.Profile, r.Verb, r.Enable, r.Disable, r.Group, r.Text, a, b)
		}
	}
	switch {
	case was.Text != is.Text:
		differs(&t.texts, "text", was.Text, is.Text)
	case was.Counts != is.Counts:
		differs(&t.counts, "counts", was.Counts, is.Counts)
	case was.Records != is.Records:
		differs(&t.records, "records", was.Records, is.Records)
	}
	if was.Fault != "" {
		t.before++
	}
	if is.Fault != "" {
		differs(&t.now, "fault", was.Fault, is.Fault)
	}
}
