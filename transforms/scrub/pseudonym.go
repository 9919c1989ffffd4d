package scrub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Scrubber makes pseudonyms with one key. It is for one goroutine.
type Scrubber struct{ mac hash.Hash }

// New returns a scrubber. Who has the key can test whether a pseudonym stands for a value that they know.
func New(key []byte) *Scrubber { return &Scrubber{hmac.New(sha256.New, key)} }

const (
	consonants = "bcdfghjklmnpqrstvwxz"
	letters    = 10 // of the pseudonym of a word
)

var (
	guid  = regexp.MustCompile(`[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`)
	date  = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:?\d\d)?)?$`)
	whole = regexp.MustCompile(`^-?\d+$`)
)

// sum returns what a pseudonym is made of.
func (s *Scrubber) sum(text string) []byte {
	s.mac.Reset()
	_, _ = s.mac.Write([]byte(text))
	return s.mac.Sum(nil)
}

// Text returns a text whose words are pseudonyms; what is between them stays.
func (s *Scrubber) Text(text string) string {
	if date.MatchString(text) {
		return s.date(text)
	}
	var out strings.Builder
	at := 0
	for _, span := range guid.FindAllStringIndex(text, -1) {
		out.WriteString(s.words(text[at:span[0]]))
		out.WriteString(s.guid(text[span[0]:span[1]]))
		at = span[1]
	}
	out.WriteString(s.words(text[at:]))
	return out.String()
}

func (s *Scrubber) words(text string) string {
	var out strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		switch {
		case end < 0:
			end = len(text)
		case end == 0:
			end = strings.IndexFunc(text, inWord)
			if end < 0 {
				end = len(text)
			}
			out.WriteString(text[:end])
			text = text[end:]
			continue
		}
		word, before := text[:end], out.String()
		text = text[end:]
		if keeps(before, word, text) {
			out.WriteString(word)
		} else {
			out.WriteString(s.word(word))
		}
	}
	return out.String()
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) }

// keeps reports whether a word says what a value is, and not whose: a scheme, or the mark of a guest.
func keeps(before, word, after string) bool {
	switch strings.ToLower(word) {
	case "http", "https", "mailto", "tel", "urn":
		return before == "" && strings.HasPrefix(after, ":")
	case "ext":
		return strings.HasSuffix(before, "#") && strings.HasPrefix(after, "#")
	}
	return false
}

// word returns the pseudonym of a word, with its kinds of characters and its case: two words that differ in case alone still do.
func (s *Scrubber) word(word string) string {
	sum := s.sum(strings.ToLower(word))
	digits := strings.IndexFunc(word, unicode.IsNumber) >= 0
	if digits && strings.IndexFunc(word, func(r rune) bool { return !unicode.IsNumber(r) }) < 0 {
		return number(sum)
	}
	text := make([]byte, letters)
	for i := range text {
		text[i] = consonants[int(binary.BigEndian.Uint16(sum[2*i:]))%len(consonants)]
	}
	out := inCase(string(text), word)
	switch {
	case strings.IndexFunc(word, unicode.IsMark) >= 0:
		out += "e\u0301" // decomposed, as it came
	case strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) >= 0:
		out += "é"
	}
	if digits {
		out += "7"
	}
	return out
}

// inCase writes a text as another word is written: lower, UPPER, Title, or mixed.
func inCase(text, like string) string {
	upper, lower, first := 0, 0, false
	mixed := []byte(text)
	n := 0
	for _, r := range like {
		if unicode.IsUpper(r) {
			upper++
			first = first || n == 0
			mixed[n%len(mixed)] &^= 'a' - 'A'
		} else if unicode.IsLower(r) {
			lower++
		}
		n++
	}
	switch {
	case upper == 0:
		return text
	case first && upper == 1:
		return strings.ToUpper(text[:1]) + text[1:]
	case lower == 0:
		return strings.ToUpper(text)
	}
	return string(mixed)
}

// number returns twelve digits, the first of them no zero: any reader of numbers takes them.
func number(sum []byte) string {
	return strconv.FormatUint(100_000_000_000+binary.BigEndian.Uint64(sum)%900_000_000_000, 10)
}

// number returns the pseudonym of a number in a document, the same as that of its digits in a text.
func (s *Scrubber) number(raw string) string {
	if raw == "0" || raw == "1" { // false and true, where somebody writes them so
		return raw
	}
	sign := ""
	if strings.HasPrefix(raw, "-") {
		sign, raw = "-", raw[1:]
	}
	out := number(s.sum(strings.ToLower(raw)))
	if !whole.MatchString(raw) {
		out += ".5"
	}
	return sign + out
}

// guid returns another one, of the same case.
func (s *Scrubber) guid(text string) string {
	h := hex.EncodeToString(s.sum(strings.ToLower(text))[:16])
	out := h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
	if strings.ToUpper(text) == text && strings.ToLower(text) != text {
		return strings.ToUpper(out)
	}
	return out
}

// date returns another day, in the same form.
func (s *Scrubber) date(text string) string {
	sum := s.sum(text[:10])
	day := strconv.Itoa(2001+int(sum[0])%20) + "-" + two(1+int(sum[1])%12) + "-" + two(1+int(sum[2])%28)
	return day + text[10:]
}

func two(n int) string { return strconv.Itoa(n + 100)[1:] }
