package engine

import (
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// subscription is a topic trigger at work.
type subscription struct{ *exchange.Subscription }

func (s subscription) close() { s.Close() }

// subscribe makes each message of a topic a call of the function.
func (t *triggers) subscribe(client *exchange.Client, w spec.Trigger) (source, error) {
	sub, err := client.Subscribe(w.Topic, exchange.SubscribeOptions{Answers: true}, func(m exchange.Message) { t.fire(client, w, m) })
	if err != nil {
		return nil, err
	}
	return subscription{sub}, nil
}

// fire calls the function for a message. One that is a request is answered too.
func (t *triggers) fire(client *exchange.Client, w spec.Trigger, m exchange.Message) {
	f, err := t.submit(messageEvent(m.Topic, m.Payload), func(f *function, result []byte, err error) {
		answer(m, result, err)
		t.publish(f, client, w, result, err)
	})
	if err != nil {
		answer(m, nil, err)
		t.drop(f, string(m.Topic), err)
	}
}

func answer(m exchange.Message, result []byte, err error) {
	switch {
	case !m.Asks():
	case err != nil:
		m.Refuse(err.Error())
	default:
		m.Respond(result)
	}
}

func messageEvent(topic spec.Topic, payload []byte) event {
	return event{kind: TypeMessage, source: "/topics/" + string(topic), subject: string(topic), payload: payload}
}
