// Package plan holds compiled mappings. A [Plan] answers questions without doing anything itself; whoever does the calling is
// elsewhere. For one operation that is:
//
//	for _, c := range resource.Update {  // or Create, Disable …: the calls in their order
//		c.Applies(env)                   // whether it is to be made
//		c.Request(env)                   // the request
//		c.Judge(status, body)            // what the answer means
//		c.Save(env, answer)              // what later calls need of it
//	}
//
// A list is walked with [Call.Pages], and its items are [Call.Items]; [Resource.Resource] shows one as SCIM does,
// and [Resource.ID], [Resource.Key], [Resource.Active], [Resource.State] and [Resource.Protected] say what the
// mapping knows of it. How a new item is found says [Call.Result].
//
// The exported fields of [Resource], [Call] and what they consist of are filled in by package mapping, which has checked that
// they fit together. Nothing changes after that: a Plan may be used by many goroutines, an [Env] by one.
//
// Errors that a provider is told are [scim.Error]. 500 means that the mapping does not fit, 502 that the organization answered
// something else than the mapping says.
package plan
