package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/caddy-scim/gateway"

	// maxLines keeps a file something that is read in one go. What grows beyond has two jobs.
	maxLines = 450
)

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	args = append([]string{"list", "-tags", "nobadger,nomysql,nopgx", "-json=ImportPath,Imports,TestImports,XTestImports"}, args...)
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// below reports whether a package is the one named, or in a folder of it.
func below(path, name string) bool { return path == name || strings.HasPrefix(path, name+"/") }

// TestTransformsArePure: transforms turn bytes into bytes. What they need, directly or through others, has no network, no
// Caddy and no log in it, and none of the packages above them.
func TestTransformsArePure(t *testing.T) {
	list := goList(t, "-deps", "./transforms/...")
	if !slices.ContainsFunc(list, func(p goPackage) bool { return p.ImportPath == module+"/transforms/quirks" }) {
		t.Fatalf("the search is broken: %d packages without transforms/quirks", len(list))
	}
	for _, p := range list {
		for _, name := range []string{
			"net/http", "log", "math/rand", "math/rand/v2", "github.com/caddyserver", "go.uber.org/zap",
			module + "/module", module + "/caddyfile", module + "/integration",
		} {
			if below(p.ImportPath, name) {
				t.Errorf("transforms depend on %s", p.ImportPath)
			}
		}
	}
}

// TestImportsGoDownwards: caddyfile, module, transforms, in this order; and the embedded organization is nobody's part, so
// that no mistake of the gateway's can hide in it.
func TestImportsGoDownwards(t *testing.T) {
	const organization = module + "/module/organization"
	importers := map[string]bool{}
	for _, p := range goList(t, "./...") {
		for _, path := range p.Imports {
			if path == organization {
				importers[p.ImportPath] = true
			}
			if !below(p.ImportPath, module+"/module") {
				continue
			}
			if strings.HasSuffix(path, "/httpcaddyfile") || below(path, module+"/caddyfile") || path == module {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
			if p.ImportPath == organization && below(path, module) {
				t.Errorf("the organization imports %s of the gateway", path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if path == organization && p.ImportPath != organization {
				importers[p.ImportPath+" (test)"] = true
			}
		}
	}
	want := map[string]bool{module: true, module + "/caddyfile": true}
	for path := range importers {
		if !want[path] {
			t.Errorf("%s imports the organization", path)
		}
		delete(want, path)
	}
	if len(want) > 0 {
		t.Errorf("the search is broken: %v do not import the organization", want)
	}
}

// TestOneDoorToTheUpstream: only module/upstream calls the next handler. A call from anywhere else would lack the replacer,
// the response writer and the context of its own that it prepares.
func TestOneDoorToTheUpstream(t *testing.T) {
	calls := 0
	goFiles(t, func(path string, text []byte) {
		if strings.HasSuffix(path, "_test.go") || !strings.HasPrefix(path, "module/") && !strings.HasPrefix(path, "caddyfile/") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || name.Sel.Name != "PrepareRequest" && (name.Sel.Name != "ServeHTTP" || len(call.Args) != 2) {
				return true
			}
			if strings.HasPrefix(path, "module/upstream/") {
				calls++
				return true
			}
			switch path {
			case "module/console/console.go", // what is no page of it goes on as it came
				"module/explain/command.go": // it stands where Caddy's server stands, in front of the gateway
				return true
			}
			t.Errorf("%s calls %s", files.Position(call.Pos()), name.Sel.Name)
			return true
		})
	})
	if calls != 2 {
		t.Errorf("module/upstream prepares and calls in %d places, want one of each", calls)
	}
}

// TestRoomsOfProvision: what speaks to an organization knows nothing of what the organization holds, what holds nothing of what
// is remembered, and what is known without a call makes none.
func TestRoomsOfProvision(t *testing.T) {
	const rooms = module + "/module/provision"
	forbidden := map[string][]string{
		"locks":    {rooms, module + "/module/ledger", module + "/module/upstream"},
		"api":      {rooms + "/items", rooms + "/resource", rooms + "/view", module + "/module/ledger", module + "/module/guard"},
		"view":     {rooms, module + "/module/ledger", module + "/module/guard"},
		"items":    {rooms + "/resource", module + "/module/ledger", module + "/module/guard"},
		"resource": {rooms + "/api", module + "/module/upstream", module + "/module/guard"},
	}
	for _, p := range goList(t, "./module/provision/...") {
		name := strings.TrimPrefix(p.ImportPath, rooms+"/")
		for _, path := range p.Imports {
			if slices.ContainsFunc(forbidden[name], func(f string) bool { return below(path, f) }) {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
		delete(forbidden, name)
	}
	if len(forbidden) > 0 {
		t.Errorf("the search is broken: %v are no packages", slices.Sorted(maps.Keys(forbidden)))
	}
}

// TestFilesAreShort: a file has one job.
func TestFilesAreShort(t *testing.T) {
	seen := 0
	goFiles(t, func(path string, text []byte) {
		seen++
		if lines := bytes.Count(text, []byte("\n")); lines > maxLines {
			t.Errorf("%s has %d lines, at most %d are allowed", path, lines, maxLines)
		}
	})
	if seen < 100 {
		t.Errorf("the search is broken: %d files", seen)
	}
}

// goFiles calls f with every Go file of the module, by its path from the root.
func goFiles(t *testing.T, f func(path string, text []byte)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || path == "build"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		text, err := fs.ReadFile(os.DirFS(".."), path)
		if err == nil {
			f(path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
