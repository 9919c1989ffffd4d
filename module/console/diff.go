package console

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// pretty returns JSON on lines, for reading.
func pretty(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = indented(lines[i])
	}
	return strings.Join(lines, "\n")
}

// indented makes the characters of a line visible, and leaves what it begins with.
func indented(line string) string {
	rest := strings.TrimLeft(line, " ")
	return line[:len(line)-len(rest)] + plain(rest)
}

// change is one line of a comparison: + or -, or a blank for what is in both.
type change struct{ Sign, Text string }

// maxCompared bounds the time that a comparison takes.
const maxCompared = 600

// compare tells two documents apart, line by line. What is too long is not compared.
func compare(before, after json.RawMessage) []change {
	a, b := strings.Split(pretty(before), "\n"), strings.Split(pretty(after), "\n")
	if len(before) == 0 || len(after) == 0 || len(a) > maxCompared || len(b) > maxCompared {
		return nil
	}
	// The longest common subsequence, from the end.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, old := range slices.Backward(a) {
		for j, line := range slices.Backward(b) {
			if old == line {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []change
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, change{" ", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, change{"-", a[i]})
			i++
		default:
			out = append(out, change{"+", b[j]})
			j++
		}
	}
	return out
}
