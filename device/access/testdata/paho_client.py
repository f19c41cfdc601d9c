"""paho-mqtt against a device: QoS 0 to 2, a persistent session, a last will, retained messages."""

import sys
import threading

import paho.mqtt.client as mqtt

HOST, PORT, USER, PASSWORD = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
WAIT = 20


class Client:
    def __init__(self, name, clean=True, will=None):
        self.c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean, protocol=mqtt.MQTTv311)
        self.c.username_pw_set(USER, PASSWORD)
        self.got, self.granted, self.change = [], None, threading.Condition()
        self.connected = None
        if will:
            self.c.will_set(*will)
        self.c.on_message = lambda c, u, m: self._note(lambda: self.got.append((m.topic, m.payload, m.qos, m.retain)))
        self.c.on_subscribe = lambda c, u, mid, codes, p: self._note(lambda: setattr(self, "granted", [x.value for x in codes]))
        self.c.on_connect = lambda c, u, f, code, p: self._note(lambda: setattr(self, "connected", (code.value, f.session_present)))
        self.c.connect(HOST, PORT, keepalive=30)
        self.c.loop_start()
        self.wait(lambda: self.connected)
        assert self.connected[0] == 0, self.connected

    def _note(self, do):
        with self.change:
            do()
            self.change.notify_all()

    def wait(self, ready):
        with self.change:
            assert self.change.wait_for(ready, WAIT), f"{ready} never came; got {self.got}"

    def subscribe(self, topic, qos):
        self.granted = None
        self.c.subscribe(topic, qos)
        self.wait(lambda: self.granted)
        return self.granted[0]

    def publish(self, topic, payload, qos, retain=False):
        self.c.publish(topic, payload, qos, retain).wait_for_publish(WAIT)

    def expect(self, *messages):
        self.wait(lambda: len(self.got) >= len(messages))
        got = [(t, p) for t, p, _, _ in self.got]
        assert sorted(got) == sorted(messages), got
        self.got.clear()

    def vanish(self):
        """Ends without saying goodbye."""
        self.c._sock_close()
        self.c.loop_stop()

    def close(self):
        self.c.disconnect()
        self.c.loop_stop()


# Every quality of service.
sub, pub = Client("paho-sub"), Client("paho-pub")
assert sub.subscribe("a/#", 2) == 2
for qos in (0, 1, 2):
    pub.publish(f"a/{qos}", b"q%d" % qos, qos)
sub.expect(("a/0", b"q0"), ("a/1", b"q1"), ("a/2", b"q2"))

# A refused subscription is told in SUBACK; others go on.
assert sub.subscribe("secret/#", 1) == 128

# Retained: who comes later gets the last one.
pub.publish("a/kept", b"old", 1, True)
pub.publish("a/kept", b"new", 1, True)
sub.expect(("a/kept", b"old"), ("a/kept", b"new"))
late = Client("paho-late")
assert late.subscribe("a/kept", 1) == 1
late.wait(lambda: late.got)
assert late.got[0][:2] == ("a/kept", b"new") and late.got[0][3], late.got
late.close()

# A persistent session: what came while it was away is delivered.
away = Client("paho-away", clean=False)
assert away.subscribe("a/away", 1) == 1
away.close()
for n in range(5):
    pub.publish("a/away", b"%d" % n, 1)
away = Client("paho-away", clean=False)
assert away.connected[1], "the session is not there"
away.expect(*[("a/away", b"%d" % n) for n in range(5)])
away.close()
sub.wait(lambda: len(sub.got) >= 5)
sub.got.clear()

# A last will.
dying = Client("paho-dying", will=("a/will", b"died", 1, False))
dying.vanish()
sub.expect(("a/will", b"died"))
sub.close()
pub.close()
print("ok")
