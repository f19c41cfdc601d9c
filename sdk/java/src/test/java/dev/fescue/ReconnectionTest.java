package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client is never silently deaf: it comes back, or it is told. */
@Timeout(120)
class ReconnectionTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    private Broker broker;

    @BeforeEach
    void start() {
        broker = new Broker();
    }

    @AfterEach
    void stop() throws Exception {
        broker.close();
    }

    private ClientOptions options() {
        return new ClientOptions().address(broker.address).token(Broker.TOKEN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"kill", "stop"})
    void subscriptionsAndRegistrationsAreMadeAnew(String how) throws Exception {
        try (Client a = Client.connect(options()); Client b = Client.connect(options())) {
            CountDownLatch heard = new CountDownLatch(2);
            Subscription<Message> messages = b.subscribe("t/#", new SubscribeOptions().policy(Policy.BLOCK));
            b.subscribe("t/c", new SubscribeOptions(), m -> heard.countDown());
            b.respond("req/x", Message::payload);
            a.publish("t/x", "before");
            assertEquals("before", messages.next(SOON).orElseThrow().text());
            if (how.equals("kill")) {
                broker.kill();
            } else {
                broker.end();
            }
            broker.start();
            long deadline = System.nanoTime() + SOON.toNanos();
            Optional<Message> got = Optional.empty();
            while (got.isEmpty() || heard.getCount() > 0) {
                assertTrue(System.nanoTime() < deadline, "it did not come back");
                a.publish("t/x", "after");
                a.publish("t/c", "after");
                got = messages.next(Duration.ofMillis(50));
            }
            assertEquals("there again", new String(a.request("req/x", "there again".getBytes(StandardCharsets.UTF_8), SOON).payload(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void aRevokedApplicationIsTold() {
        try (Client a = Client.connect(options().tokenPatience(Duration.ofMillis(300)))) {
            Subscription<Message> messages = a.subscribe("t/#");
            broker.command(java.util.Map.of("revoke", "app"));
            assertThrows(FescueException.class, () -> messages.next(SOON).orElseThrow());
            FescueException e = assertThrows(FescueException.class, () -> {
                while (true) {
                    try {
                        a.publishConfirmed("t/x", new byte[0]);
                    } catch (FescueException.ConnectionLost again) {
                        Thread.sleep(10);
                    }
                }
            });
            assertTrue(e instanceof FescueException.Unauthenticated || e instanceof FescueException.Denied, e.toString());
            assertThrows(FescueException.Unauthenticated.class, a::run);
        }
    }

    @Test
    void publishingWaitsForTheLinkAndThenGivesUp() {
        try (Client a = Client.connect(options().timeout(Duration.ofMillis(500)))) {
            a.publish("t/x", "x");
            broker.kill();
            assertThrows(FescueException.ConnectionLost.class, () -> {
                while (true) {
                    a.publish("t/x", "x");
                }
            });
            broker.start();
            long deadline = System.nanoTime() + SOON.toNanos();
            while (true) {
                try {
                    a.publishConfirmed("t/x", new byte[0]);
                    break;
                } catch (FescueException.ConnectionLost e) {
                    assertTrue(System.nanoTime() < deadline, "it did not come back");
                }
            }
        }
    }

    @Test
    void aRequestUnderWayIsToldOfTheLoss() throws Exception {
        try (Client a = Client.connect(options()); Client b = Client.connect(options())) {
            CountDownLatch asked = new CountDownLatch(1);
            CountDownLatch release = new CountDownLatch(1);
            b.respond("req/never", m -> {
                asked.countDown();
                try {
                    release.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return null;
            });
            Future<Message> answer = a.requestAsync("req/never", new byte[0], SOON);
            assertTrue(asked.await(20, TimeUnit.SECONDS));
            broker.kill();
            ExecutionException e = assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
            assertTrue(e.getCause() instanceof FescueException.ConnectionLost);
            release.countDown();
        }
    }

    @Test
    void anIdleSubscriberComesBackByItself() throws Exception {
        try (Client b = Client.connect(options())) {
            Subscription<Message> messages = b.subscribe("t/#");
            broker.kill();
            Thread.sleep(400); // the broker is away for longer than the first pauses
            broker.start();
            try (Client a = Client.connect(options())) {
                long deadline = System.nanoTime() + SOON.toNanos();
                while (messages.next(Duration.ofMillis(50)).isEmpty()) {
                    assertTrue(System.nanoTime() < deadline, "it did not come back");
                    a.publish("t/x", "you are back");
                }
            }
        }
    }

    @Test
    void aBrokerThatDoesNotAnswer() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.inBackground(() -> Client.connect(held.options().timeout(Duration.ofMillis(300))));
            held.accept();
            assertTrue(assertThrows(ExecutionException.class, held::outcome).getCause().getMessage().contains("HELLO"));
            held.connect(held.options().timeout(Duration.ofMillis(300)));
            FescueException e = assertThrows(FescueException.ConnectionLost.class, () -> held.client().subscribe("t/#"));
            assertTrue(e.getMessage().contains("SUBSCRIBE"));
        }
    }

    @Test
    void goodbyeAndConnectingAgain() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.connect(held.options());
            held.inBackground(() -> held.client().subscribe("t/#"));
            HeldWorker.Frame asked = held.grant(Type.SUBSCRIBE);
            Subscription<?> messages = (Subscription<?>) held.outcome();
            held.send(HeldClient.message(asked.id(), "t/1", "first"), Frames.goodbye(Code.GOING_AWAY, "the agent restarts"));
            held.drop();
            assertEquals("first", ((Message) messages.next(SOON).orElseThrow()).text());
            held.accept();
            held.expect(Type.HELLO);
            held.send(HeldWorker.welcome());
            assertEquals(asked.text(), held.grant(Type.SUBSCRIBE).text());
            held.send(HeldClient.message(asked.id(), "t/2", "second"));
            assertEquals("second", ((Message) messages.next(SOON).orElseThrow()).text());
            held.send(Frames.bare(0x7f, 1)); // not of the protocol
            held.accept();
            held.expect(Type.HELLO);
            held.send(HeldWorker.welcome());
            held.grant(Type.SUBSCRIBE);
            held.send(Frame.of(Type.PING, 9, new byte[] {'x'}));
            assertEquals("x", held.expect(Type.PONG).text());
        }
    }

    @Test
    void errorsThatNobodyWaitsForComeWithTheNextCall() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.connect(held.options());
            held.inBackground(() -> {
                held.client().publish("t/x", "1");
                return null;
            });
            long id = held.grant(Type.REGISTER).id();
            held.outcome();
            assertEquals("1", held.expect(Type.PUBLISH).text());
            held.send(Frames.error(id, Code.TOO_LARGE, Type.PUBLISH, "t/x", "too large"), Frame.of(Type.PING, 9, new byte[0]));
            held.expect(Type.PONG);
            assertThrows(FescueException.TooLarge.class, () -> held.client().publish("t/x", "2"));
        }
    }

    @Test
    void whatTheBrokerCannotDoIsRefusedHere() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.connect(held.options(), 7);
            for (org.junit.jupiter.api.function.Executable call : new org.junit.jupiter.api.function.Executable[] {
                () -> held.client().state().get("x"), () -> held.client().store("t/x", new byte[0]),
                () -> held.client().consume("t/x", "p", new ConsumeOptions()), () -> held.client().history("t/x", null, null, 0, false),
            }) {
                assertEquals("unsupported", assertThrows(FescueException.class, call).code());
            }
        }
    }

    @Test
    void whatWasNotYetStoredIsSentAgainWithTheSameId() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.connect(held.options());
            held.inBackground(() -> {
                held.client().store("t/x", new byte[] {1});
                return null;
            });
            String first = held.expect(Type.STORE).text();
            held.drop();
            held.accept();
            held.expect(Type.HELLO);
            held.send(HeldWorker.welcome());
            assertEquals(first, held.grant(Type.STORE).text());
            held.outcome();
        }
    }

    @Test
    void aDeliveryIsDoneWhenItsHandlerHasReturnedAndComesAgainIfItThrows() throws Exception {
        try (HeldClient held = new HeldClient()) {
            held.connect(held.options());
            held.inBackground(() -> held.client().consume("t/x", "here", new ConsumeOptions().window(8), d -> {
                if (d.attempt() == 1) {
                    throw new IllegalStateException("on purpose");
                }
            }));
            long id = held.grant(Type.CONSUME).id();
            held.outcome();
            for (int attempt = 1; attempt <= 2; attempt++) {
                held.send(Frame.of(Type.DELIVERY, id).u64(7).u64(1).u16(attempt).u16(attempt - 1).str16("t/x").text("payload").done());
                HeldWorker.Frame ack = held.expect(Type.ACK);
                assertEquals(id, ack.id());
                assertEquals(7, ack.body()[0]);
                assertEquals(2 - attempt, ack.body()[8]); // again, then done
            }
        }
    }
}
