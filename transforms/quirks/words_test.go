package quirks

import (
	"strings"
	"testing"
)

func TestLocalized(t *testing.T) {
	meaning := map[string]string{}
	for _, b := range booleans {
		for word, means := range map[string]string{b.yes: "true", b.no: "false"} {
			if other := meaning[word]; other != "" && other != means {
				t.Errorf("%s means %s and %s", word, means, other)
			}
			meaning[word] = means
			upper := strings.ToUpper(word)
			if upper == "FAŁSZ" || b.language != "Turkish" {
				if got := localized(upper); got != means {
					t.Errorf("%s: %s is %q", b.language, upper, got)
				}
			}
			title := []rune(word)
			title[0] = []rune(strings.ToUpper(string(title[0])))[0]
			if got := localized(string(title)); got != means {
				t.Errorf("%s: %s is %q", b.language, string(title), got)
			}
		}
	}
	for _, word := range []string{"", "yes", "no", "oui", "ja", "nein", "sí", "1", "0", "on", "off", "true", "false", " vrai", "vrai ", "falſch", "vrais", "да", "是", "否",
		"はい", strings.Repeat("vrai", 20)} {
		if got := localized(word); got != "" {
			t.Errorf("%q is %q", word, got)
		}
	}
}
