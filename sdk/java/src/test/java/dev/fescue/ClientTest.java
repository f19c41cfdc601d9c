package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client against the real broker. */
@Timeout(120)
class ClientTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(200);

    private final List<Client> clients = new ArrayList<>();
    private Broker broker;
    private Client a;
    private Client b;

    @BeforeEach
    void start() {
        broker = new Broker();
        a = connect(options());
        b = connect(options());
    }

    @AfterEach
    void stop() throws Exception {
        clients.forEach(Client::close);
        broker.close();
    }

    private ClientOptions options() {
        return new ClientOptions().address(broker.address).token(Broker.TOKEN);
    }

    private Client connect(ClientOptions o) {
        Client client = Client.connect(o);
        clients.add(client);
        return client;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> take(Subscription<? extends Message> messages, int count) {
        List<String> texts = new ArrayList<>();
        while (texts.size() < count) {
            texts.add(messages.next(SOON).orElseThrow(() -> new AssertionError(texts.size() + " of " + count + " messages came")).text());
        }
        return texts;
    }

    private static List<String> numbers(int count) {
        List<String> all = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            all.add(String.valueOf(n));
        }
        return all;
    }

    @Test
    void publishAndSubscribe() {
        assertEquals("app testdevice", a.application() + " " + a.device());
        Subscription<Message> messages = b.subscribe("t/+");
        a.publish("t/1", new byte[] {0, -1});
        a.publish("t/2", "grün");
        a.publish("t/3", new byte[0]);
        Message first = messages.next(SOON).orElseThrow();
        assertEquals("t/1", first.topic());
        assertArrayEquals(new byte[] {0, -1}, first.payload());
        assertEquals(List.of("grün", ""), take(messages, 2));
        assertEquals(Optional.empty(), messages.next(Duration.ofMillis(10)));
    }

    @Test
    void aFilterWithoutWildcardsGivesItsTopicAndOwnMessagesCanBeLeftOut() {
        Subscription<Message> own = a.subscribe("t/own");
        Subscription<Message> others = a.subscribe("t/#", new SubscribeOptions().notOwn());
        a.publish("t/own", "mine");
        a.drain();
        b.publish("t/x", "yours");
        assertEquals("t/own", own.next(SOON).orElseThrow().topic());
        assertEquals(List.of("yours"), take(others, 1));
    }

    @Test
    void orderAndNothingLostWithBlock() throws Exception {
        Subscription<Message> messages = b.subscribe("t/n", new SubscribeOptions().policy(Policy.BLOCK).queue(64));
        Thread publisher = new Thread(() -> numbers(20_000).forEach(n -> a.publish("t/n", n)));
        publisher.start();
        int next = 0;
        for (Message m : messages) {
            assertEquals(String.valueOf(next++), m.text());
            if (next == 20_000) {
                break;
            }
        }
        publisher.join();
    }

    @Test
    void aSlowSubscriptionDoesNotHoldUpOthers() {
        b.subscribe("t/slow", new SubscribeOptions().policy(Policy.BLOCK).queue(4));
        Subscription<Message> quick = b.subscribe("t/quick");
        for (int n = 0; n < 6; n++) { // as many as fit, here and in the broker
            a.publish("t/slow", "x");
        }
        a.publish("t/quick", "passes");
        assertEquals(List.of("passes"), take(quick, 1));
    }

    @Test
    void credit() {
        Subscription<Message> messages = b.subscribe("t/#", new SubscribeOptions().credit(2).queue(100));
        numbers(5).forEach(n -> a.publishConfirmed("t/x", bytes(n)));
        assertEquals(List.of("0", "1"), take(messages, 2));
        assertEquals(Optional.empty(), messages.next(SHORT));
        messages.credit(3);
        assertEquals(List.of("2", "3", "4"), take(messages, 3));
        assertThrows(IllegalArgumentException.class, () -> messages.credit(0));
    }

    @Test
    void largeMessages() {
        Subscription<Message> messages = b.subscribe("t/large");
        byte[] payload = new byte[900_000];
        new Random(1).nextBytes(payload);
        for (int n = 0; n < 3; n++) {
            a.publish("t/large", payload);
            assertArrayEquals(payload, messages.next(SOON).orElseThrow().payload());
        }
        byte[] over = new byte[(1 << 20) + 1];
        assertThrows(FescueException.TooLarge.class, () -> a.publish("t/x", over));
        assertThrows(FescueException.TooLarge.class, () -> a.publishConfirmed("t/x", over));
        assertThrows(FescueException.TooLarge.class, () -> a.request("t/x", over, SOON));
        a.publishConfirmed("t/x", bytes("still works"));
    }

    @Test
    void permissions() {
        FescueException e = assertThrows(FescueException.Denied.class, () -> a.publish("secret/x", "x"));
        assertEquals("denied secret/x", e.code() + " " + e.topic());
        assertTrue(e.getMessage().contains("fescue.yaml"));
        assertThrows(FescueException.Denied.class, () -> a.publishConfirmed("secret/x", bytes("x")));
        assertThrows(FescueException.Denied.class, () -> a.request("secret/x", bytes("x"), SOON));
        assertThrows(FescueException.Denied.class, () -> a.subscribe("#"));
        a.publishConfirmed("t/x", bytes("the session goes on"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "t/#/x", "t/\0", "long"})
    void invalidTopics(String given) {
        String topic = given.equals("long") ? "x".repeat(70_000) : given;
        assertThrows(FescueException.InvalidTopic.class, () -> a.publish(topic, "x"));
        assertThrows(FescueException.InvalidTopic.class, () -> a.subscribe(topic));
        assertThrows(FescueException.InvalidTopic.class, () -> a.request(topic, bytes("x"), SOON));
        a.publishConfirmed("t/x", bytes("the session goes on"));
    }

    @Test
    void connecting() {
        assertThrows(FescueException.Unauthenticated.class, () -> connect(options().token(Broker.OTHER)));
        FescueException e = assertThrows(FescueException.ConnectionLost.class, () -> connect(options().address("unix:/no/such.sock")));
        assertTrue(e.getMessage().contains("/no/such.sock"));
        for (String address : List.of("mqueue:/x", "nonsense", "tcp:host", "tcp:host:port")) {
            e = assertThrows(FescueException.class, () -> connect(options().address(address)));
            assertTrue(e.getMessage().contains("unix"), e.getMessage());
        }
        e = assertThrows(FescueException.class, Client::connect);
        assertTrue(e.getMessage().contains("FESCUE_EXCHANGE is not set"));
    }

    @Test
    void handlersAreCalledOneAfterTheOther() throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch done = new CountDownLatch(1);
        b.subscribe("t/n", new SubscribeOptions(), m -> {
            b.publish("t/first-" + m.text(), "x"); // waits for the broker inside the handler
            heard.add(m.text());
            if (m.text().equals("4")) {
                done.countDown();
            }
            if (m.text().equals("2")) {
                throw new IllegalStateException("on purpose");
            }
        });
        numbers(5).forEach(n -> a.publish("t/n", n));
        assertTrue(done.await(20, TimeUnit.SECONDS));
        assertEquals(numbers(5), heard);
    }

    @Test
    void requests() throws Exception {
        Client many = connect(options().executor(Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        })));
        b.respond("req/up", m -> {
            if (m.text().equals("bad")) {
                throw new IllegalArgumentException("no text");
            }
            return m.text().isEmpty() ? null : bytes(m.text().toUpperCase());
        });
        many.respond("req/slow", m -> {
            try {
                Thread.sleep(Long.parseLong(m.text()));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return m.payload();
        });
        assertEquals("ABC", a.request("req/up", bytes("abc"), SOON).text());
        assertEquals("", a.request("req/up", bytes(""), SOON).text());
        FescueException e = assertThrows(FescueException.Remote.class, () -> a.request("req/up", bytes("bad"), SOON));
        assertTrue(e.getMessage().contains("IllegalArgumentException: no text"));
        assertThrows(FescueException.NoResponder.class, () -> a.request("req/nobody", bytes(""), SOON));
        e = assertThrows(FescueException.Timeout.class, () -> a.request("req/slow", bytes("5000"), SHORT));
        assertTrue(e.getMessage().contains("req/slow"));
        List<CompletableFuture<Message>> futures = new ArrayList<>();
        for (int n = 0; n < 100; n++) {
            futures.add(a.requestAsync("req/slow", bytes("200"), SOON)); // 20 s one after the other
        }
        for (CompletableFuture<Message> f : futures) {
            assertEquals("200", f.get(20, TimeUnit.SECONDS).text());
        }
        ExecutionException failed = assertThrows(ExecutionException.class, () -> a.requestAsync("req/nobody", bytes(""), SOON).get());
        assertTrue(failed.getCause() instanceof FescueException.NoResponder);
    }

    @Test
    void manyThreads() throws Exception {
        b.respond("req/echo", Message::payload);
        List<Throwable> wrong = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            String own = "t/" + t;
            threads.add(new Thread(() -> {
                try (Subscription<Message> messages = a.subscribe(own, new SubscribeOptions().queue(2000))) {
                    for (int n = 0; n < 200; n++) {
                        a.publish(own, own + n);
                        assertEquals(own + n, a.request("req/echo", bytes(own + n), SOON).text());
                    }
                    for (String text : take(messages, 200)) {
                        assertTrue(text.startsWith(own));
                    }
                } catch (Throwable e) {
                    wrong.add(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread t : threads) {
            t.join();
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void oneSubscriptionInManyThreads() throws Exception {
        Subscription<Message> messages = b.subscribe("t/x", new SubscribeOptions().queue(5000));
        List<String> got = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(new Thread(() -> messages.forEach(m -> got.add(m.text()))));
        }
        threads.forEach(Thread::start);
        numbers(3000).forEach(n -> a.publish("t/x", n));
        long deadline = System.nanoTime() + SOON.toNanos();
        while (got.size() < 3000 && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
        messages.close();
        for (Thread t : threads) {
            t.join();
        }
        assertEquals(3000, got.stream().distinct().count());
    }

    @Test
    void anInterruptionEndsTheWaitAndNotTheLink() throws Exception {
        a.publish("t/x", "before"); // registers the topic: publishing on it waits for nothing from here on
        Subscription<Message> messages = a.subscribe("t/x");
        Thread.currentThread().interrupt();
        assertThrows(FescueException.Interrupted.class, () -> messages.next(SOON));
        assertTrue(Thread.currentThread().isInterrupted());
        a.publish("t/x", "while interrupted");
        assertTrue(Thread.interrupted());
        a.publish("t/x", "after");
        assertEquals("after", take(messages, 2).get(1));
    }

    @Test
    void closing() {
        Subscription<Message> there = b.subscribe("t/x", new SubscribeOptions().queue(5000));
        Subscription<Message> messages = a.subscribe("t/none");
        Thread iterating = new Thread(() -> messages.forEach(m -> {}));
        iterating.start();
        numbers(2000).forEach(n -> a.publish("t/x", n));
        a.close();
        assertEquals(numbers(2000), take(there, 2000));
        assertFalse(messages.iterator().hasNext());
        assertThrows(FescueException.Closed.class, () -> a.publish("t/x", "x"));
        assertThrows(FescueException.Closed.class, () -> a.request("t/x", bytes("x"), SOON));
        there.close();
        assertFalse(there.iterator().hasNext());
        there.close();
        a.close();
    }

    @Test
    void dropOldestKeepsTheNewestAndTells() {
        List<FescueException> errors = Collections.synchronizedList(new ArrayList<>());
        Client c = connect(options().onError(errors::add));
        Subscription<Message> messages = c.subscribe("t/x", new SubscribeOptions().queue(4));
        Subscription<Message> other = c.subscribe("t/other");
        numbers(20_000).forEach(n -> a.publish("t/x", n));
        a.publishConfirmed("t/other", bytes("end"));
        take(other, 1);
        List<Integer> got = new ArrayList<>();
        for (Optional<Message> m = messages.next(SHORT); m.isPresent(); m = messages.next(SHORT)) {
            got.add(Integer.parseInt(m.get().text()));
        }
        assertEquals(got.stream().sorted().toList(), got);
        assertEquals(19_999, got.get(got.size() - 1));
        assertTrue(errors.stream().anyMatch(FescueException.Overflow.class::isInstance));
    }

    @Test
    void permissionTakenAwayWhileRunning() {
        Subscription<Message> messages = a.subscribe("t/x");
        a.publishConfirmed("t/x", bytes("1"));
        a.publish("t/y", "register it");
        a.drain(); // else this message may be the first that is refused
        broker.grant("app", Broker.TOKEN, List.of("t/other"), List.of("t/other"));
        assertEquals(List.of("1"), take(messages, 1));
        assertThrows(FescueException.Denied.class, () -> messages.next(SOON));
        assertThrows(FescueException.Denied.class, () -> {
            for (int n = 0; n < 100; n++) {
                a.publish("t/y", "x");
                a.drain();
            }
        });
        a.publishConfirmed("t/other", bytes("x"));
    }

    @Test
    void log() {
        a.log(LogLevel.WARNING, "leading coefficient is 0");
        a.drain();
        assertEquals("[[\"app\",2,\"leading coefficient is 0\"]]", broker.logs().toString());
    }
}
