// Package mapping turns operations on users and groups into calls of a REST organization API that knows nothing of SCIM.
//
// A [Definition] is plain data, written by an operator in a Caddyfile or in JSON. [Compile] checks all of it and makes a
// [plan.Plan]; whatever is wrong with a mapping is found there and not at the first request, and an [Error] says where. The
// work is done in three rooms:
//
//   - this package: what an operator writes (definition.go), and its compilation (compile_*.go);
//   - template: values with placeholders, and everything that they can stand for;
//   - plan: what is carried out, call by call. It does no calling itself, and reads no definition.
//
// No text from a client ever becomes part of a JSON path: those are the operator's and compiled once. In a URL every
// value is percent-encoded, in a body it is a JSON value of its own.
package mapping
