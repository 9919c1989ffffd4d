package provlog

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever a record has is in its JSON, and whatever it lacks is not, as its tags say.
func TestAppendJSON(t *testing.T) {
	full := new(Record)
	n := 0
	fill(t, reflect.ValueOf(full).Elem(), &n)
	for name, r := range map[string]*Record{"full": full, "empty": new(Record), "partly": {Received: &Document{Bytes: 7}, Canonical: new(Document), Calls: make([]Call, 2)}} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var is, be map[string]any
		if err := json.Unmarshal(r.appendJSON(nil), &is); err != nil {
			t.Fatalf("%s: %v in %s", name, err, r.appendJSON(nil))
		}
		if err := json.Unmarshal(want, &be); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(be, is); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n < 50 {
		t.Errorf("the record has %d fields only: the test is broken", n)
	}
}

// fill gives every field another value.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1, 2).UTC()))
		return
	case v.Type() == reflect.TypeFor[text]():
		v.SetBytes([]byte(`{"a":[1,"ü<\n"]}`))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.String:
		v.SetString("ü<\"\\\n" + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.125)
	default:
		t.Fatalf("a field of the type %s", v.Type())
	}
}
