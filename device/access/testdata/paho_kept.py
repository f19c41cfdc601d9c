"""Says "connected", then publishes numbered messages with QoS 1 through whatever happens; ends when all are acknowledged."""

import sys
import threading
import time

import paho.mqtt.client as mqtt

HOST, PORT, USER, PASSWORD, TOTAL = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])

acknowledged = set()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="up", clean_session=False, protocol=mqtt.MQTTv311)
client.username_pw_set(USER, PASSWORD)
client.reconnect_delay_set(min_delay=1, max_delay=1)
client.max_inflight_messages_set(32)
client.on_publish = lambda c, u, mid, *_: acknowledged.add(mid)
connected = threading.Event()
client.on_connect = lambda *_: connected.set()
client.connect(HOST, PORT, keepalive=30)
client.loop_start()
if not connected.wait(30):
    sys.exit("no connection")
print("connected", flush=True)
sent = []
for n in range(TOTAL):
    sent.append(client.publish("a/kept/up", str(n), 1).mid)
    time.sleep(0.002)
deadline = time.monotonic() + 120
while not acknowledged.issuperset(sent):
    if time.monotonic() > deadline:
        sys.exit(f"{len(acknowledged)} of {TOTAL} were acknowledged")
    time.sleep(0.05)
client.disconnect()
client.loop_stop()
