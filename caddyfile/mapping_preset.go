package caddyfile

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// The presets are mappings as text, so that they can be read, copied into `upstream rest { … }` and changed. At their
// beginning they name their parameters, which {param.NAME} stands for further down:
//
//	param <name> [<default>]
//	when <option> <value> {
//		<param> <default>     # another default
//		needs <param>         # the parameter may not be left out now
//		<directive> …         # takes the place of what the preset says
//		pace …                # and any other line about an organization: holds where the user has none of the kind
//	}
//
// The first block of an option is the one that holds where nothing is said.
//
//go:embed presets/*.caddyfile
var presetFiles embed.FS

// presetNames returns the names of all presets.
func presetNames() []string {
	files, err := fs.Glob(presetFiles, "presets/*.caddyfile")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "presets/"), ".caddyfile")
	}
	return files
}

func isPreset(name string) bool { return slices.Contains(presetNames(), name) }

// preset is a preset's text, taken apart.
type preset struct {
	defaults map[string]*string                      // by parameter; nil: it is required
	order    []string                                // of parameters
	options  []string                                // in their order
	usual    map[string]string                       // by option: the value where nothing is said
	when     map[string]map[string][]caddyfile.Token // by option and value: the block
	body     []caddyfile.Token
}

// loadPreset takes the text of a preset apart.
func loadPreset(name string) (*preset, error) {
	file := "presets/" + name + ".caddyfile"
	text, err := presetFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tokens, err := caddyfile.Tokenize(text, file)
	if err != nil {
		return nil, err
	}
	ps := &preset{defaults: map[string]*string{}, usual: map[string]string{}, when: map[string]map[string][]caddyfile.Token{}}
	d := caddyfile.NewDispenser(tokens)
	for d.Next() {
		switch d.Val() {
		case "param":
			args := d.RemainingArgs()
			if len(args) < 1 || len(args) > 2 {
				return nil, d.ArgErr()
			}
			ps.order = append(ps.order, args[0])
			ps.defaults[args[0]] = nil
			if len(args) == 2 {
				ps.defaults[args[0]] = &args[1]
			}
		case "when":
			block := d.NextSegment()
			if len(block) < 3 {
				return nil, d.Errf("when <option> <value> { … }")
			}
			option, value := block[1].Text, block[2].Text
			if ps.when[option] == nil {
				ps.when[option] = map[string][]caddyfile.Token{}
				ps.options = append(ps.options, option)
				ps.usual[option] = value
			}
			ps.when[option][value] = nil
			if len(block) > 5 { // the dispenser leaves out the braces of an empty block
				ps.when[option][value] = block[4 : len(block)-1]
			}
		default:
			ps.body = append(ps.body, d.NextSegment()...)
		}
	}
	return ps, nil
}

// readPreset reads the block behind the name of a preset, at which the dispenser is: parameters and options of the preset,
// and directives of a mapping, which take the place of those that the preset has.
func readPreset(d *caddyfile.Dispenser, other func(*caddyfile.Dispenser) (bool, error)) (*mappingSource, error) {
	name := d.Token()
	if !isPreset(name.Text) {
		return nil, d.Errf("there is no preset %q: %s, or rest for a mapping of your own", name.Text, strings.Join(presetNames(), ", "))
	}
	ps, err := loadPreset(name.Text)
	if err != nil {
		return nil, err
	}
	given, chosen, own, err := ps.said(d)
	if err != nil {
		return nil, err
	}
	params := map[string]string{}
	for param, text := range ps.defaults {
		if text != nil {
			params[param] = *text
		}
	}
	texts := [][]caddyfile.Token{ps.body}
	needed := slices.DeleteFunc(slices.Clone(ps.order), func(param string) bool { return ps.defaults[param] != nil })
	for _, block := range chosen {
		var rest []caddyfile.Token
		for w := caddyfile.NewDispenser(block); w.Next(); {
			line := w.NextSegment()
			switch _, isParam := ps.defaults[line[0].Text]; {
			case line[0].Text == "needs":
				needed = append(needed, line[1].Text)
			case isParam && len(line) == 2:
				params[line[0].Text] = line[1].Text
			default:
				rest = append(rest, line...)
			}
		}
		texts = append(texts, rest)
	}
	for param, token := range given {
		params[param] = token.Text
	}
	for _, param := range needed {
		if params[param] == "" {
			return nil, fmt.Errorf("upstream %s needs %s, at %s:%d", name.Text, param, name.File, name.Line)
		}
	}
	m := &mappingSource{places: map[string]place{}, users: map[place]place{}}
	for _, text := range texts {
		for _, token := range text {
			for param, by := range given {
				if strings.Contains(token.Text, "{param."+param+"}") {
					m.users[place{token.File, token.Line}] = place{by.File, by.Line}
				}
			}
		}
		if err := (&mappingParser{Dispenser: inBlock(name, substitute(text, params)), mappingSource: m, other: m.suggest}).start(); err != nil {
			return nil, err
		}
	}
	p := &mappingParser{Dispenser: inBlock(name, own), mappingSource: m, other: other, preset: ps}
	if err := p.start(); err != nil {
		return nil, err
	}
	m.places[""] = place{name.File, name.Line}
	return m, nil
}

// start reads a text that has been put into a block.
func (p *mappingParser) start() error {
	p.Next()
	return p.body()
}

// said reads what the user says of the preset: parameters, the blocks of the options, and all the rest.
func (ps *preset) said(d *caddyfile.Dispenser) (given map[string]caddyfile.Token, chosen [][]caddyfile.Token, own []caddyfile.Token, err error) {
	given = map[string]caddyfile.Token{}
	seen := map[string]bool{}
	values := maps.Clone(ps.usual)
	name := d.Val()
	if args := d.RemainingArgs(); len(args) > 0 {
		return nil, nil, nil, d.Errf("unexpected argument %q after upstream %s", args[0], name)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		_, isParam := ps.defaults[word]
		blocks, isOption := ps.when[word]
		if !isParam && !isOption {
			own = append(own, d.NextSegment()...)
			continue
		}
		args := d.RemainingArgs()
		switch {
		case len(args) != 1:
			return nil, nil, nil, d.Errf("wrong argument count after %s: it takes 1, there are %d", word, len(args))
		case seen[word]:
			return nil, nil, nil, d.Errf("%s is already specified", word)
		}
		seen[word] = true
		if isParam {
			given[word] = d.Token()
			continue
		}
		if _, ok := blocks[args[0]]; !ok {
			return nil, nil, nil, d.Errf("unknown %s %q: one of %s", word, args[0], strings.Join(slices.Sorted(maps.Keys(blocks)), ", "))
		}
		values[word] = args[0]
	}
	for _, option := range ps.options {
		chosen = append(chosen, ps.when[option][values[option]])
	}
	return given, chosen, own, nil
}

// substitute puts parameters in. It is done to tokens and not to text: a value stays one token whatever is in it.
func substitute(tokens []caddyfile.Token, params map[string]string) []caddyfile.Token {
	pairs := make([]string, 0, 2*len(params))
	for name, text := range params {
		pairs = append(pairs, "{param."+name+"}", text)
	}
	r := strings.NewReplacer(pairs...)
	out := slices.Clone(tokens)
	for i := range out {
		out[i].Text = r.Replace(out[i].Text)
	}
	return out
}

// inBlock returns a dispenser over tokens as if they stood in a block behind a word.
func inBlock(word caddyfile.Token, tokens []caddyfile.Token) *caddyfile.Dispenser {
	open, end := word, word
	open.Text = "{"
	if len(tokens) > 0 {
		end = tokens[len(tokens)-1]
	}
	end.Text = "}"
	end.Line++
	return caddyfile.NewDispenser(slices.Concat([]caddyfile.Token{word, open}, tokens, []caddyfile.Token{end}))
}
