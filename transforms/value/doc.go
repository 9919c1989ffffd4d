// Package value reads, writes and compares what SCIM resources hold, by schema and path. It is the one place that knows
// where an attribute stands in a resource, when two values are the same, and when there is none:
//
//   - [Get], [Set], [Texts] and [Attributes] work on attributes that a canonical path names, such as userName or
//     urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager;
//   - a [Target] is a path with everything in it: sub-attribute, value filter, and what the schema says of both;
//   - [Element] is the element that a value filter describes;
//   - [Absent], [Equal] and [SameText] compare.
//
// Nothing here refuses a value: what may be set is for the callers to decide.
package value
