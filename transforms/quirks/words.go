package quirks

import "strings"

// booleans are the words for true and false in the languages of Entra's portal, in lower case. Its help shows an
// expression for the mapping of active with these words instead of True and False, and administrators paste it. Words for
// yes and no are none of them (T3).
var booleans = [...]struct{ language, yes, no string }{
	{"Chinese (Simplified)", "真", "假"},
	{"Chinese (Simplified)", "正确", "错误"},
	{"Chinese (Traditional)", "真", "假"},
	{"Chinese (Traditional)", "正確", "錯誤"},
	{"Czech", "pravda", "nepravda"},
	{"Dutch", "waar", "onwaar"},
	{"French", "vrai", "faux"},
	{"German", "wahr", "falsch"},
	{"Hungarian", "igaz", "hamis"},
	{"Indonesian", "benar", "salah"},
	{"Italian", "vero", "falso"},
	{"Japanese", "真", "偽"},
	{"Korean", "참", "거짓"},
	{"Polish", "prawda", "fałsz"},
	{"Portuguese", "verdadeiro", "falso"},
	{"Russian", "истина", "ложь"},
	{"Spanish", "verdadero", "falso"},
	{"Swedish", "sant", "falskt"},
	{"Turkish", "doğru", "yanlış"},
	{"Turkish", "doğru", "yanliş"}, // YANLIŞ in lower case, as everybody but a Turk writes it
}

// longestWord is longer than any of the words.
const longestWord = 32

// localized returns "true" or "false" for a word that means it, and empty for any other text.
func localized(text string) string {
	if len(text) > longestWord {
		return ""
	}
	word := strings.ToLower(text)
	for _, b := range booleans {
		switch word {
		case b.yes:
			return "true"
		case b.no:
			return "false"
		}
	}
	return ""
}

// isFalse reports whether a text is a word for false.
func isFalse(text string) bool { return strings.EqualFold(text, "false") || localized(text) == "false" }

// IsBoolean reports whether a text is a word for true or false that one of the rules knows.
func IsBoolean(text string) bool {
	return strings.EqualFold(text, "true") || strings.EqualFold(text, "false") || localized(text) != ""
}
