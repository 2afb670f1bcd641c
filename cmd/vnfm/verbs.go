package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// sure is the flag of verbs that take away.
type sure struct {
	Yes bool `short:"y" help:"Do not ask."`
}

// confirm asks whether to do something that cannot be taken back. Without a terminal nobody is asked.
func (s *session) confirm(c sure, question string) error {
	if c.Yes || !s.interactive {
		return nil
	}
	_, _ = fmt.Fprintf(s.Err, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(s.in).ReadString('\n') // the end of input is no yes
		answer <- line
	}()
	select {
	case <-s.ctx.Done():
		return &interrupted{how: "nothing was done", cause: s.ctx.Err()}
	case line := <-answer:
		if word := strings.ToLower(strings.TrimSpace(line)); word == "y" || word == "yes" {
			return nil
		}
		return &failed{"nothing was done"}
	}
}

// confirmAll asks about several things at once; what says it for one. all is for those that nobody named.
func (s *session) confirmAll(c sure, all bool, verb, what string, names []string) error {
	if all && !c.Yes && !s.interactive {
		return usagef("without a terminal this needs --yes: it is about %s", counted(len(names), what))
	}
	question := fmt.Sprintf("%s %s %s?", verb, what, strings.Join(names, ", "))
	if len(names) > 5 {
		question = fmt.Sprintf("%s %s: %s, …?", verb, counted(len(names), what), strings.Join(names[:5], ", "))
	}
	return s.confirm(c, question)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// each does something with each of several objects, goes on with the others when one fails, and returns what failed: the error itself
// where there is one object.
func each[T any](s *session, all []T, name func(T) string, do func(T) error) error {
	var errs []error
	for _, x := range all {
		if s.ctx.Err() != nil {
			return errors.Join(append(errs, s.ctx.Err())...)
		}
		err := do(x)
		if err != nil && len(all) > 1 {
			_, _ = fmt.Fprintf(s.Err, "%s %v\n", screen.Bad.Render(name(x)+":"), err)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	switch {
	case len(errs) == 0:
		return nil
	case len(all) == 1:
		return errs[0]
	}
	var u *usage
	var f *failed
	text := fmt.Sprintf("%d of %d failed", len(errs), len(all))
	for _, err := range errs { // the exit code is that of the worst
		if !errors.As(err, &u) && !errors.As(err, &f) {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	if u != nil {
		return &usage{text}
	}
	return &failed{text}
}
