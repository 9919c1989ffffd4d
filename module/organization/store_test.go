package organization

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// The test binary is also the process that other tests kill, or that holds a store open.
const (
	childFile = "SCIM_ORGANIZATION_TEST_FILE"
	childRole = "SCIM_ORGANIZATION_TEST_ROLE"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		if err := child(file, os.Getenv(childRole)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child opens the store and says so, writes when told to, and waits to be killed.
func child(file, role string) error {
	s, err := openStore(file)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if role == "writer" {
		var said sync.Mutex
		for w := range 8 {
			go func() {
				for i := 0; ; i++ {
					id, err := writeSomething(s, fmt.Sprintf("p%d.w%d.%d", os.Getpid(), w, i))
					if err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
					said.Lock()
					fmt.Println(id)
					said.Unlock()
				}
			}()
		}
	}
	select {} // the parent kills
}

// writeSomething creates a member and a group with that member in three acknowledged steps, through the endpoints.
func writeSomething(s *store, name string) (string, error) {
	m, err := createMember(&request{org: s, body: []byte(`{"email":"` + name + `@example.com","type":2}`)})
	if err != nil {
		return "", err
	}
	g, err := createGroup(&request{org: s, body: []byte(`{"name":"` + name + `"}`)})
	if err != nil {
		return "", err
	}
	mid, gid := m.(*member).ID, g.(*group).ID
	_, err = setMemberIDs(&request{org: s, id: gid, body: []byte(`{"memberIds":["` + mid.String() + `"]}`)})
	return name + " " + mid.String() + " " + gid.String(), err
}

// startChild runs the test binary as a child, and returns it with what it says once it has opened the store.
func startChild(t *testing.T, file, role string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+file, childRole+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd, r
}

func TestKilledProcessLosesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "org.db")
	var acknowledged []string
	for round := range 3 {
		cmd, out := startChild(t, file, "writer")
		for n := 0; ; n++ {
			if n == 40*(round+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			line, err := out.ReadString('\n')
			if err != nil {
				break // killed; what is cut off in the middle of a line was not said
			}
			acknowledged = append(acknowledged, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(acknowledged) < 40+80+120 {
		t.Fatalf("only %d writes were acknowledged", len(acknowledged))
	}
	a := start(t, Handler{Store: file})
	for _, line := range acknowledged {
		var name, mid, gid string
		if _, err := fmt.Sscan(line, &name, &mid, &gid); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m := a.member(mid); m.Email != name+"@example.com" {
			t.Errorf("member %s is %s", mid, m.Email)
		}
		a.want("GET", "groups/"+gid+"/member-ids", "", 200, `["`+mid+`"]`)
		a.want("POST", "members", `{"email":"`+name+`@example.com","type":2}`, 400, refused("This user has already been invited."))
	}
	consistent(t, a.handler.org.store)
}

func TestSecondProcessIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "org.db")
	startChild(t, file, "holder")
	_, err := provision(t, Handler{Store: file, ClientID: testClient, ClientSecret: testSecret})
	if err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("got %v", err)
	}
}

func TestReloadSharesTheStore(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	target, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	old := start(t, Handler{Store: "state/org.db", Owner: "olivia@example.com"})
	id := old.invited("jane@example.com")

	// The new configuration is loaded while the old one serves, spells the path differently and asks for an owner.
	h := Handler{Store: filepath.Join(target, "state", "..", "state", "org.db"), ClientID: testClient, ClientSecret: testSecret, Seats: 2, Owner: "other@example.com"}
	loaded, err := provision(t, h)
	if err != nil {
		t.Fatal(err)
	}
	next := &api{t: t, handler: loaded, token: old.token} // tokens outlive a reload
	if m := next.member(id); m.Email != "jane@example.com" {
		t.Errorf("member %+v", m)
	}
	next.want("POST", "members", `{"email":"x@example.com","type":2}`, 400, refused("Seat limit has been reached."))
	john := old.invited("john@example.com")
	if err := old.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if all := next.everybody(); len(all) != 3 || all["other@example.com"] != nil {
		t.Errorf("members %v", all)
	}
	next.want("POST", "members/"+john+"/revoke", "", 200, "")

	// Other credentials end the tokens.
	h.ClientSecret = "another secret"
	changed, err := provision(t, h)
	if err != nil {
		t.Fatal(err)
	}
	if res := (&api{t: t, handler: changed, token: old.token}).do("GET", "members", ""); res.Code != 401 {
		t.Errorf("token of the old secret: %d", res.Code)
	}
	for _, h := range []*Handler{changed, next.handler, next.handler} {
		if err := h.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
	// Now it is closed: writes and reads fail, and another opener gets it.
	next.want("POST", "members", `{"email":"x@example.com","type":2}`, 500, refused("An unhandled server error has occurred."))
	next.want("GET", "members", "", 500, refused("An unhandled server error has occurred."))
	again := start(t, Handler{Store: "state/org.db"})
	if m := again.member(john); m.Status != statusRevoked {
		t.Errorf("member %+v", m)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	refusedFor := func(file, want string) {
		t.Helper()
		if s, err := openStore(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want %q", s, err, want)
		}
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedFor(text, "invalid database")

	fill := func(file string, put func(*bolt.Tx) error) {
		t.Helper()
		db, err := bolt.Open(file, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(put), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	fill(foreign, func(b *bolt.Tx) error { _, err := b.CreateBucket([]byte("acme")); return err })
	refusedFor(foreign, "something else")

	newer := filepath.Join(t.TempDir(), "newer.db")
	s, err := openStore(newer)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	fill(newer, func(b *bolt.Tx) error { return b.Bucket(bucketMeta).Put(keyFormat, []byte("2")) })
	refusedFor(newer, `format "2"`)
}

func TestConcurrentWriters(t *testing.T) {
	a := start(t, Handler{})
	shared := a.newGroup(`{"name":"Shared"}`)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				// Everybody wants the same addresses; one of them gets each.
				res := a.do("POST", "members", fmt.Sprintf(`{"email":"m%d@example.com","type":2,"groups":["%s"]}`, i, shared))
				if res.Code == 200 {
					var m member
					if err := json.Unmarshal(res.Body.Bytes(), &m); err != nil {
						t.Error(err)
					}
					a.want("POST", "members/"+m.ID.String()+"/revoke", "", 200, "")
				} else if res.Body.String() != refused("This user has already been invited.") {
					t.Errorf("writer %d: %d %s", w, res.Code, res.Body)
				}
				list := a.do("GET", "members", "")
				if list.Code != 200 || list.Result().ContentLength != int64(list.Body.Len()) {
					t.Errorf("list: %d, %d bytes", list.Code, list.Body.Len())
				}
			}
		})
	}
	wg.Wait()
	all := a.everybody()
	if len(all) != each || len(a.ids("groups/"+shared+"/member-ids")) != each {
		t.Errorf("%d members", len(all))
	}
	for _, m := range all {
		if m.Status != statusRevoked {
			t.Errorf("member %+v", m)
		}
	}
	consistent(t, a.handler.org.store)
}

func TestListsShowWhatWasAcknowledged(t *testing.T) {
	a := start(t, Handler{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 30 {
				name := fmt.Sprintf("g%d.%d", w, i)
				var g group
				if err := json.Unmarshal(a.do("POST", "groups", `{"name":"`+name+`"}`).Body.Bytes(), &g); err != nil {
					t.Error(err)
				}
				id := g.ID.String()
				if list := a.do("GET", "groups", "").Body.String(); strings.Count(list, id) != 1 {
					t.Errorf("%s is in the list %d times", name, strings.Count(list, id))
				}
				a.want("DELETE", "groups/"+id, "", 200, "")
				if list := a.do("GET", "groups", "").Body.String(); strings.Contains(list, id) {
					t.Errorf("%s is still in the list", name)
				}
			}
		})
	}
	wg.Wait()
	a.want("GET", "groups", "", 200, `{"object":"list","data":[]}`)
}

// TestChangesFailAlone commits one batch in which some changes fail after they wrote, one of them by a panic.
func TestChangesFailAlone(t *testing.T) {
	a := start(t, Handler{})
	s := a.handler.org.store
	put := func(email string, then func() error) *pendingWrite {
		return &pendingWrite{run: func(t *tx) error {
			if err := t.putMember(newMember(email, statusInvited, roleUser), nil); err != nil {
				return err
			}
			return then()
		}}
	}
	well := func() error { return nil }
	batch := []*pendingWrite{
		put("a@example.com", well),
		put("b@example.com", func() error { return errSeats }),
		put("c@example.com", func() error { panic("c") }),
		{run: func(*tx) error { return errRevoked }},
		put("d@example.com", well),
	}
	s.commit(batch)
	for i, want := range []string{"", errSeats.message, "panic: c", errRevoked.message, ""} {
		got := ""
		if batch[i].err != nil {
			got = batch[i].err.Error()
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("change %d: got %q, want %q", i, got, want)
		}
	}
	if all := a.everybody(); len(all) != 2 || all["a@example.com"] == nil || all["d@example.com"] == nil {
		t.Errorf("members %v", all)
	}
	consistent(t, s)
}

func TestChangesOfAClosedFileFail(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), "org.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	batch := []*pendingWrite{{run: func(*tx) error { return nil }}, {run: func(*tx) error { return nil }}}
	s.commit(batch)
	for i, c := range batch {
		if c.err == nil {
			t.Errorf("change %d is acknowledged", i)
		}
	}
}

// consistent checks that every index of the store says the same.
func consistent(t *testing.T, s *store) {
	t.Helper()
	err := s.view(func(b *tx) error {
		seats, members := 0, 0
		for m, err := range b.allMembers() {
			if err != nil {
				return err
			}
			members++
			if m.Status.takesSeat() {
				seats++
			}
			if id, ok := b.memberWithEmail(m.Email); !ok || id != m.ID {
				t.Errorf("the address of %s leads to %s", m.ID, id)
			}
			if b.has(bucketOwners, m.ID) != m.confirmedOwner() || b.has(bucketPrior, m.ID) != (m.Status == statusRevoked) {
				t.Errorf("the indexes of %s are wrong", m.ID)
			}
			for _, g := range b.related(memberSide, m.ID) {
				if !b.has(bucketGroups, g) || b.Bucket(bucketGroupMembers).Get(pair(g, m.ID)) == nil {
					t.Errorf("%s is not known as a member of %s", m.ID, g)
				}
			}
		}
		if n := b.Bucket(bucketEmails).Stats().KeyN; n != members {
			t.Errorf("%d addresses, %d members", n, members)
		}
		if n, m := b.Bucket(bucketGroupMembers).Stats().KeyN, b.Bucket(bucketMemberGroups).Stats().KeyN; n != m {
			t.Errorf("%d memberships one way, %d the other", n, m)
		}
		if got := b.seatsTaken(); got != seats {
			t.Errorf("%d seats are counted, %d are taken", got, seats)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
