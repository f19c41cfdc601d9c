"""nats-py against a device: messages from an application and of its own, wildcards, a request, what it may not."""

import asyncio
import sys

import nats

ADDRESS, USER, PASSWORD = sys.argv[1:4]
WAIT = 20


async def main():
    refused = asyncio.Queue()

    async def on_error(error):
        await refused.put(str(error))

    client = await nats.connect(
        f"nats://{ADDRESS}", user=USER, password=PASSWORD, error_cb=on_error, allow_reconnect=False, inbox_prefix=f"_INBOX_{USER}".encode()
    )
    every, some = await client.subscribe("a.>"), await client.subscribe("a.*.t")
    await client.flush()
    for n in range(50):
        await client.publish(f"a.{n}.t", str(n).encode())
    for n in range(50):
        for subscription in (every, some):
            m = await subscription.next_msg(WAIT)
            assert (m.subject, m.data) == (f"a.{n}.t", str(n).encode()), m

    answerer = await nats.connect(f"nats://{ADDRESS}", user=USER, password=PASSWORD, allow_reconnect=False)

    async def echo(m):
        await m.respond(b"re: " + m.data)

    await answerer.subscribe("b.echo", cb=echo)
    await answerer.flush()
    reply = await client.request("b.echo", b"hello", timeout=WAIT)
    assert reply.data == b"re: hello", reply
    await answerer.drain()

    # An application hears what is published, and its echo comes back.
    await client.publish("b.ping", b"hello")
    m = await every.next_msg(WAIT)
    assert (m.subject, m.data) == ("a.pong", b"hello"), m

    # What is refused is told, and the connection goes on.
    await client.publish("secret.door", b"open")
    assert "secret.door" in (told := await asyncio.wait_for(refused.get(), WAIT)), told
    await client.subscribe("secret.>")
    assert "secret.>" in (told := await asyncio.wait_for(refused.get(), WAIT)), told
    await client.publish("a.last", b"still here")
    while (m := await every.next_msg(WAIT)).subject != "a.last":
        pass
    await client.drain()
    print("ok")


asyncio.run(main())
