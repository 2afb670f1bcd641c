package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// proxy is the network between a process and a server: it carries bytes, slowly, not now, or not at all.
type proxy struct {
	listen          net.Listener
	network, target string

	mu    sync.Mutex
	pairs map[*pair]bool
	cut   bool          // connections are closed and new ones are too
	still chan struct{} // not nil: bytes stay where they are until it is closed, as when packets are lost
	delay time.Duration // of each piece, each way
}

// pair is one connection through it.
type pair struct{ client, server net.Conn }

func (p *pair) close() { _, _ = p.client.Close(), p.server.Close() }

// newProxy listens at an address and carries what comes to a target, of tcp or unix.
func newProxy(addr, network, target string) (*proxy, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &proxy{listen: l, network: network, target: target, pairs: map[*pair]bool{}}
	go p.accept()
	return p, nil
}

func (p *proxy) addr() string { return p.listen.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return // closed
		}
		go p.carry(c)
	}
}

// carry joins a client with the server.
func (p *proxy) carry(client net.Conn) {
	server, err := net.Dial(p.network, p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	one := &pair{client, server}
	p.mu.Lock()
	cut := p.cut
	if !cut {
		p.pairs[one] = true
	}
	p.mu.Unlock()
	if cut {
		one.close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pump(one, server, client) })
	both.Go(func() { p.pump(one, client, server) })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, one)
	p.mu.Unlock()
}

// pump carries bytes one way until either end closes; then both are closed.
func (p *proxy) pump(one *pair, to io.Writer, from io.Reader) {
	defer one.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.wait()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait lets a piece wait as the network has it.
func (p *proxy) wait() {
	p.mu.Lock()
	still, delay := p.still, p.delay
	p.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
	if still != nil {
		<-still
	}
}

// sever closes all connections, and new ones, until mend.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for one := range p.pairs {
		one.close()
	}
}

// hold keeps all bytes where they are until mend: nobody is told that the other end cannot be reached.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.still == nil {
		p.still = make(chan struct{})
	}
}

// slow delays each piece until mend.
func (p *proxy) slow(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = by
}

// mend makes it a good network again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.delay = false, 0
	if p.still != nil {
		close(p.still)
		p.still = nil
	}
}

// close ends it.
func (p *proxy) close() error {
	p.mend()
	p.sever()
	if err := p.listen.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
