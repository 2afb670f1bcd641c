package kube

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// renew is after how long the kinds of a cluster are asked for anew.
const renew = 10 * time.Minute

// Watch calls changed whenever an object with the label of an owner comes, goes, or is wanted in another way: what only its status says is no
// change. Each kind that can be watched is, by its metadata; of an object its uid and a number are kept.
func (c *Cluster) Watch(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithTimeout(ctx, renew)
	defer cancel()
	c.Mapper.Reset() // kinds may have been defined since
	kinds, err := c.Listed(false)
	if err != nil {
		return ErrorOf("watch", Ref{Name: c.ID}, err)
	}
	cfg := rest.CopyConfig(c.Config)
	cfg.Timeout = 0 // a watch goes on
	client, err := metadata.NewForConfig(cfg)
	if err != nil {
		return ErrorOf("watch", Ref{Name: c.ID}, err)
	}
	quiet := klog.NewContext(ctx, logr.Discard()) // what goes wrong is tried again
	var all sync.WaitGroup
	defer all.Wait()
	watched := 0
	for i := range kinds {
		k := &kinds[i]
		if !k.watchable() {
			continue
		}
		objects, err := c.readable(ctx, client, k)
		if err != nil {
			cancel()
			return ErrorOf("watch", Ref{Kind: k.GVK, Name: "*"}, err)
		}
		if objects == nil {
			continue
		}
		watched++
		r := cache.NewReflectorWithOptions(source(objects), &metav1.PartialObjectMetadata{}, &marks{changed: changed, known: map[types.UID]string{}}, cache.ReflectorOptions{Name: k.Resource.String()})
		all.Go(func() { r.RunWithContext(quiet) })
	}
	if watched == 0 {
		return ErrorOf("watch", Ref{Name: c.ID}, kerrors.NewForbidden(pods.GroupResource(), "*", nil))
	}
	<-ctx.Done()
	return nil
}

func (k *Kind) watchable() bool {
	for _, v := range k.Verbs {
		if v == "watch" {
			return k.GVK.Kind != "Event"
		}
	}
	return false
}

// readable returns the objects of a kind in all namespaces, or, where that is not allowed, in that of the connection; nil where that is not either.
func (c *Cluster) readable(ctx context.Context, client metadata.Interface, k *Kind) (metadata.ResourceInterface, error) {
	at := []metadata.ResourceInterface{client.Resource(k.Resource)}
	if k.Namespaced && c.Namespace != "" {
		at = append(at, client.Resource(k.Resource).Namespace(c.Namespace))
	}
	for _, objects := range at {
		_, err := objects.List(ctx, metav1.ListOptions{LabelSelector: LabelOwner, Limit: 1})
		switch {
		case err == nil:
			return objects, nil
		case !Forbidden(err) && !kerrors.IsNotFound(err) && !kerrors.IsMethodNotSupported(err):
			return nil, err //nolint:wrapcheck // classified by the caller
		}
	}
	return nil, nil
}

// source lists and watches what has the label of an owner.
func source(objects metadata.ResourceInterface) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = LabelOwner
			return objects.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = LabelOwner
			return objects.Watch(ctx, o)
		},
	}
}

// marks is what is kept of the objects of a kind, to tell what is news. It is the store of a reflector, which uses it from one goroutine.
type marks struct {
	changed func()
	known   map[types.UID]string
	listed  bool
}

var _ cache.ReflectorStore = (*marks)(nil)

// mark tells how an object is wanted: its generation counts the changes of that, where its kind has one.
func mark(obj any) (types.UID, string) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return "", ""
	}
	going := ""
	if m.DeletionTimestamp != nil {
		going = "-"
	}
	if m.Generation > 0 {
		return m.UID, going + time.Duration(m.Generation).String()
	}
	return m.UID, going + m.ResourceVersion
}

// Add implements cache.ReflectorStore.
func (s *marks) Add(obj any) error { return s.Update(obj) }

// Update implements cache.ReflectorStore.
func (s *marks) Update(obj any) error {
	uid, now := mark(obj)
	if was, there := s.known[uid]; !there || was != now {
		s.known[uid] = now
		s.changed()
	}
	return nil
}

// Delete implements cache.ReflectorStore.
func (s *marks) Delete(obj any) error {
	uid, _ := mark(obj)
	delete(s.known, uid)
	s.changed()
	return nil
}

// Replace implements cache.ReflectorStore: the kind was listed, at first or because a watch was lost.
func (s *marks) Replace(all []any, _ string) error {
	fresh := make(map[types.UID]string, len(all))
	same := s.listed
	for _, obj := range all {
		uid, now := mark(obj)
		fresh[uid] = now
		same = same && s.known[uid] == now
	}
	news := s.listed && (!same || len(fresh) != len(s.known))
	if s.known, s.listed = fresh, true; news {
		s.changed()
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (*marks) Resync() error { return nil }
