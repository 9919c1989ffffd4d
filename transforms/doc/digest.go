package doc

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// secret is drawn when the process starts, so that nobody can choose texts of one digest.
var secret = [2]uint64{new(maphash.Hash).Sum64(), new(maphash.Hash).Sum64()}

// digest is a hash of a text. It mixes as Go's maps do on processors that have nothing better, by multiplying what is added
// to with what is secret (wyhash), and unlike [maphash.Bytes] it is short enough not to cost more than the text is worth.
//
// It also tells, as it looks at eight bytes together anyway, whether all bytes are ASCII characters above the quote: so an
// identifier is known to be without one at once.
func digest(text []byte) (sum uint64, above bool) {
	var (
		word, next, seen uint64
		rest             = text
	)
	sum = secret[0] ^ uint64(len(text))
	for len(rest) > 16 {
		word, next = binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:16])
		seen |= outside(word) | outside(next)
		sum = mix(word^secret[1], next^sum)
		rest = rest[16:]
	}
	word, next = 0, 0
	switch n := len(rest); {
	case n >= 8:
		word, next = binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[n-8:])
		seen |= outside(word) | outside(next)
	case len(text) >= 8: // some bytes once more
		word = binary.LittleEndian.Uint64(text[len(text)-8:])
		seen |= outside(word)
	default:
		for _, c := range text {
			word = word<<8 | uint64(c)
			seen |= outside(uint64(c) * ones)
		}
	}
	return mix(word^secret[1], next^sum), seen&highs == 0
}

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// outside has a high bit set if a byte of the word is a quote, is below one, or is not ASCII. It may have one where none is.
func outside(word uint64) uint64 { return word - ('"'+1)*ones | word }
