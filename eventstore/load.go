package eventstore

import "slices"

// Merge returns a load that asks for everything both ask for. A stream that both name is read from the earlier version,
// with a snapshot of the store only when both want the same; a saga from the earlier version, too.
func (l Load) Merge(o Load) Load {
	l.Streams = mergeStreams(l.Streams, o.Streams)
	l.Sagas = mergeSagas(l.Sagas, o.Sagas)
	l.Handled = union(l.Handled, o.Handled)
	l.Timeouts = union(l.Timeouts, o.Timeouts)
	l.Views = union(l.Views, o.Views)
	l.CountViews = union(l.CountViews, o.CountViews)
	l.Records = union(l.Records, o.Records)
	l.ParkedKeys = union(l.ParkedKeys, o.ParkedKeys)
	if l.Idempotency == nil {
		l.Idempotency = o.Idempotency
	}
	return l
}

func mergeStreams(a, b []StreamFrom) []StreamFrom {
	if len(b) == 0 {
		return a
	}
	out := slices.Clone(a)
	for _, f := range b {
		i := slices.IndexFunc(out, func(g StreamFrom) bool { return g.Stream == f.Stream })
		if i < 0 {
			out = append(out, f)
			continue
		}
		if out[i].Base == nil {
			out[i].Base = f.Base
		}
		if f.After != out[i].After || f.Schema != out[i].Schema {
			out[i].Schema = 0
		}
		out[i].After = min(out[i].After, f.After)
	}
	return out
}

func mergeSagas(a, b []SagaFrom) []SagaFrom {
	if len(b) == 0 {
		return a
	}
	out := slices.Clone(a)
	for _, f := range b {
		i := slices.IndexFunc(out, func(g SagaFrom) bool { return g.ID == f.ID })
		if i < 0 {
			out = append(out, f)
		} else if f.After < out[i].After {
			out[i] = f
		}
	}
	return out
}

func union[T comparable](a, b []T) []T {
	if len(b) == 0 {
		return a
	}
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
