package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"fescue.dev/fescue/sdk"
)

//go:embed client/member.c
var memberSource []byte

// deployAtOnce bounds the deployments under way.
const deployAtOnce = 4

// trips are made for each figure of latency.
const trips = 5000

// measurement is a run under way.
type measurement struct {
	options
	out     io.Writer
	agent   *agent
	program string
	*answers
	members []member
	crowd   crowd
}

// member is a deployed application.
type member struct {
	name, ipc string
	topics    int
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "fb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // of no use to anybody
	m := &measurement{options: o, out: out, program: filepath.Join(dir, "member")}
	if err := compile(ctx, dir, m.program); err != nil {
		return err
	}
	if m.agent, err = startAgent(ctx, o.binary); err != nil {
		return err
	}
	defer m.agent.stop()
	if err := m.connect(ctx); err != nil {
		return err
	}
	defer m.conn.Close()
	if err := m.measure(ctx); err != nil {
		return fmt.Errorf("%w\nthe agent said at last:\n%s", err, m.agent.lastWords())
	}
	return nil
}

func compile(ctx context.Context, dir, program string) error {
	extracted, err := sdk.ExtractC(dir)
	if err != nil {
		return err
	}
	source, include := filepath.Join(dir, "member.c"), filepath.Join(extracted, "c")
	if err := os.WriteFile(source, memberSource, 0o644); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "cc", "-O2", "-I", include, "-o", program, source, filepath.Join(include, "fescue.c")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile the applications: %w\n%s", err, out)
	}
	return nil
}

// connect makes the collector and the two applications that measure.
func (m *measurement) connect(ctx context.Context) error {
	const user = "bench"
	password, err := m.agent.credential(ctx, user)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for { // the agent has a credential some milliseconds after the command has returned
		if m.answers, err = collect(m.agent.nats, user, password); err == nil {
			break
		}
		select {
		case <-within.Done():
			return errors.Join(within.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	m.crowd = crowd{address: m.agent.mqtt, user: user, password: password}
	return m.deploy(ctx, []member{{"probe", "unix", 1}, {"echo", "unix", 1}})
}

// deploy deploys applications and waits until each has subscribed.
func (m *measurement) deploy(ctx context.Context, list []member) error {
	for _, one := range list {
		m.expect(one.name, "ready")
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(deployAtOnce)
	for _, one := range list {
		g.Go(func() error { return m.agent.deploy(inner, m.program, one.name, one.ipc, one.topics) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return m.wait(ctx)
}

func (m *measurement) measure(ctx context.Context) error {
	if err := m.latency(ctx, "two applications alone"); err != nil {
		return err
	}
	steps := []struct {
		what  string
		count int
		join  func(context.Context) error
	}{
		{"applications over unix", m.applications - m.queues, func(ctx context.Context) error { return m.join(ctx, "unix", m.applications-m.queues) }},
		{"applications over mqueue", m.queues, func(ctx context.Context) error { return m.join(ctx, "mqueue", m.queues) }},
		{"MQTT clients", m.mqtt, m.joinMQTT},
	}
	for _, s := range steps {
		if s.count == 0 {
			continue
		}
		if err := m.grow(ctx, s.what, s.count, s.join); err != nil {
			return err
		}
	}
	defer m.crowd.leave()
	if err := m.latency(ctx, "all connected, silent"); err != nil {
		return err
	}
	return m.traffic(ctx)
}

// grow lets clients join and prints what the agent holds for each of them.
func (m *measurement) grow(ctx context.Context, what string, count int, join func(context.Context) error) error {
	before, err := m.memory()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := join(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	took := time.Since(begin)
	after, err := m.memory()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(m.out, "%5d %-24s in %5.1f s; the agent went from %.1f to %.1f MB, %.0f KiB each\n", count, what,
		took.Seconds(), before/1e6, after/1e6, (after-before)/1024/float64(count))
	return err
}

// memory is the agent's, at rest.
func (m *measurement) memory() (float64, error) {
	time.Sleep(m.settle)
	return m.agent.memory()
}

// join adds applications; all together they have the subscriptions that were asked for.
func (m *measurement) join(ctx context.Context, ipc string, count int) error {
	var list []member
	for range count {
		i := len(m.members)
		each := m.subscriptions*(i+1)/m.applications - m.subscriptions*i/m.applications
		one := member{fmt.Sprintf("member-%d", i), ipc, each}
		list, m.members = append(list, one), append(m.members, one)
	}
	return m.deploy(ctx, list)
}

func (m *measurement) joinMQTT(context.Context) error {
	for range m.mqtt {
		if err := m.crowd.grow(); err != nil {
			return err
		}
	}
	return nil
}

// latency prints the round trip between two applications.
func (m *measurement) latency(ctx context.Context, when string) error {
	if err := m.send("scale/probe/0", fmt.Sprintf("trips %d", trips)); err != nil {
		return err
	}
	select {
	case result := <-m.trips:
		var p50, p99 float64
		if _, err := fmt.Sscan(result, &p50, &p99); err != nil {
			return err
		}
		_, err := fmt.Fprintf(m.out, "round trip, %-26s p50 %.1f µs, p99 %.1f µs\n", when+":", p50/1e3, p99/1e3)
		return err
	case <-time.After(patience):
		return errors.New("the probe does not answer")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// traffic gives every subscription and every MQTT client a message in each round; all must be answered, once. Round trips
// are made meanwhile.
func (m *measurement) traffic(ctx context.Context) error {
	measured := make(chan error, 1)
	go func() { measured <- m.latency(ctx, "all connected, with traffic") }()
	begin, messages := time.Now(), 0
	for round := range m.rounds {
		for _, one := range m.members {
			for k := range one.topics {
				if err := m.tell(one, k, round); err != nil {
					return err
				}
				messages++
			}
		}
		if err := m.wait(ctx); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	if err := <-measured; err != nil {
		return err
	}
	for range m.rounds {
		for i := range m.mqtt {
			m.expect(fmt.Sprintf("mqtt-%d", i), fmt.Sprintf("scale/mqtt/%d", i))
		}
		if err := errors.Join(m.send("scale/probe/0", fmt.Sprintf("mqtt %d", m.mqtt)), m.wait(ctx)); err != nil {
			return fmt.Errorf("MQTT clients: %w", err)
		}
		messages += m.mqtt
	}
	memory, err := m.agent.memory()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(m.out, "%d messages, each to one of %d subscriptions or MQTT clients, all arrived and were answered once, in %.1f s; the agent has %.1f MB\n",
		messages, m.subscriptions+m.mqtt, time.Since(begin).Seconds(), memory/1e6)
	return err
}

// tell sends a message that one subscription of one application gets.
func (m *measurement) tell(one member, k, round int) error {
	topic, text := fmt.Sprintf("scale/%s/%d", one.name, k), fmt.Sprint("round ", round)
	if k%2 == 1 {
		topic += "/x"
	}
	m.expect(one.name, topic+" "+text)
	return m.send(topic, text)
}
