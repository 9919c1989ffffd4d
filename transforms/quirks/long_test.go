package quirks_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-scim/gateway/transforms/quirks"
	"github.com/caddy-scim/gateway/transforms/scim"
)

// TestLongLists checks lists of hundreds of members against the obvious: each member once, in the order in which they came.
// What was found out about one member is taken for the next ones as long as they are like it, many at a time, so the lists
// are runs of members of one shape and length, with others among them, and with members that were there before.
func TestLongLists(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	shapes := []string{`{"value":"%s"}`, `{"$ref":null,"value":"%s"}`, `{"value":"%s","type":"User"}`, `"%s"`, `{ "value" : "%s" }`,
		`{"display":"somebody","value":"%s"}`, `{"value":"%s","display":"somebody of a name that is longer than 32 bytes"}`}
	// An identifier of 17 bytes is as long as two of 2 with what is between them in the first shape.
	lengths := []int{1, 2, 7, 8, 9, 15, 16, 17, 32, 36, 200, 600}
	letters := []string{"a", "b", "0", "-", "é", `\u0061`, `\"`, " "}
	rapid.Check(t, func(rt *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)) // thousands of choices are too many to draw
		var members []string
		var want []string
		seen := map[string]bool{}
		again := rapid.SampledFrom([]int{0, 0, 1, 10, 90}).Draw(rt, "percent that were there")
		odd := rapid.SampledFrom([]int{0, 0, 1, 30}).Draw(rt, "percent of odd letters")
		for range rapid.IntRange(1, 4).Draw(rt, "runs") {
			shape := rapid.SampledFrom(shapes).Draw(rt, "shape")
			length := rapid.SampledFrom(lengths).Draw(rt, "length")
			for range rapid.SampledFrom([]int{1, 2, 3, 31, 32, 33, 34, 300, 1000}).Draw(rt, "members") {
				var id strings.Builder
				for id.Len() < length {
					letter := letters[random.IntN(4)]
					if random.IntN(100) < odd {
						letter = letters[random.IntN(len(letters))]
					}
					id.WriteString(letter)
				}
				quoted := id.String()
				if random.IntN(100) < again && len(want) > 0 {
					text, _ := json.Marshal(want[random.IntN(len(want))])
					quoted = string(text[1 : len(text)-1])
				}
				var text string
				if err := json.Unmarshal([]byte(`"`+quoted+`"`), &text); err != nil {
					rt.Fatal(err)
				}
				members = append(members, fmt.Sprintf(shape, quoted))
				if !seen[text] {
					seen[text] = true
					want = append(want, text)
				}
			}
		}
		list := strings.Join(members, rapid.SampledFrom([]string{",", ",", ", "}).Draw(rt, "separator"))
		type op struct {
			Op, Path string
			Value    []struct{ Value string }
		}
		patch := func(text string) (ops []op) {
			out, err := checkBody(failer{t, rt}, n, n.Schemas().Group, scim.Patch, []byte(patchHead+text+`]}`))
			if err != nil {
				rt.Fatal(err)
			}
			var got struct{ Operations []op }
			if err := json.Unmarshal(out, &got); err != nil {
				rt.Fatalf("%v: %s", err, out)
			}
			return got.Operations
		}
		var added, removed []string
		for _, m := range patch(`{"op":"Add","path":"members","value":[` + list + `]}`)[0].Value {
			added = append(added, m.Value)
		}
		if !slices.Equal(added, want) {
			rt.Fatalf("added %d members:\n%q, want %d:\n%q", len(added), added, len(want), want)
		}
		for _, o := range patch(`{"op":"Remove","path":"members","value":[` + list + `]}`) {
			text, ok := strings.CutPrefix(o.Path, "members[value eq ")
			if o.Op != "remove" || !ok {
				rt.Fatalf("%+v", o)
			}
			var id string
			if err := json.Unmarshal([]byte(strings.TrimSuffix(text, "]")), &id); err != nil {
				rt.Fatal(err)
			}
			removed = append(removed, id)
		}
		if !slices.Equal(removed, want) {
			rt.Fatalf("removed %d members:\n%q, want %d:\n%q", len(removed), removed, len(want), want)
		}
	})
}

// TestLengthOfTwo checks members of which two, with what is between them, are as long as one before them: where one ends is
// guessed from the one before, and there is a quote in the guess.
func TestLengthOfTwo(t *testing.T) {
	n := newNormalizer(t, quirks.Config{Profile: quirks.Entra})
	var members []string
	for i := range 80 {
		id := fmt.Sprintf("%02d", i)
		if i < 40 {
			id = fmt.Sprintf("%017d", i) // 17 is two, two quotes, and `},{"value":`
		}
		members = append(members, `{"value":"`+id+`"}`)
	}
	text := patchHead + `{"op":"add","path":"members","value":[` + strings.Join(members, ",") + `]}]}`
	if out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(text)); err != nil || string(out) != text {
		t.Errorf("%s, %v", out, err)
	}
	text = strings.Replace(text, "]}]}", `,{"value":"41"}]}]}`, 1)
	if out, err := checkBody(t, n, n.Schemas().Group, scim.Patch, []byte(text)); err != nil || strings.Count(string(out), `"41"`) != 1 {
		t.Errorf("%s, %v", out, err)
	}
}
