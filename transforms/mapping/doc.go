// Package mapping turns operations on users and groups into calls of a REST organization API that knows nothing of SCIM.
//
// A [Definition] is plain data, written by an operator in a Caddyfile or in JSON. [Compile] checks all of it and makes a
// [Plan]; whatever is wrong with a mapping is found there and not at the first request. A plan answers questions without
// doing anything itself: which call comes next, what its request is ([Call.Request]), what the answer means
// ([Call.Judge]), which items a page holds ([Call.Items]), where the next page is ([Pages]), what an item looks like as a
// SCIM resource ([Resource.Resource]). Whoever does the calling is elsewhere.
//
// No text from a client ever becomes part of a JSON path: those are the operator's and compiled once. In a URL every
// value is percent-encoded, in a body it is a JSON value of its own.
package mapping
