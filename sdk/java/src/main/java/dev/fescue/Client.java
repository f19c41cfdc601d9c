package dev.fescue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A connection to Data Xchange, safe to use from several threads.
 *
 * <p>It connects again by itself when the agent restarts, and subscribes and registers anew; what was published by others
 * meanwhile is lost, but for kept topics. Every call that is refused throws a {@link FescueException}.
 */
public final class Client implements AutoCloseable {
    private static final long GRACE = 1000; // ms longer than the broker, which watches a request's time
    private static final long CLOSING = 1000; // ms to wait for the broker at the end

    private final Session session;
    private final State state;
    private final String sender = UUID.randomUUID().toString().substring(0, 13);
    private final AtomicLong stored = new AtomicLong();
    private final ExecutorService own; // null: the application gave one
    private final Executor executor;

    private Client(ClientOptions o) {
        session = new Session(o, "fescue-java");
        state = new State(session);
        own = o.executor != null ? null : Executors.newSingleThreadExecutor(Client::daemon);
        executor = o.executor != null ? o.executor : own;
        session.start();
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "fescue-handlers");
        thread.setDaemon(true);
        return thread;
    }

    /** Connects as the environment says that the agent gives. */
    public static Client connect() {
        return connect(new ClientOptions());
    }

    /** Connects to the device's Data Xchange. */
    public static Client connect(ClientOptions options) {
        return new Client(options);
    }

    /** The application's name, as the broker knows it. */
    public String application() {
        return session.core.welcome().application();
    }

    /** The name of the device this runs on. */
    public String device() {
        return session.core.welcome().device();
    }

    /** The application's durable store. */
    public State state() {
        return state;
    }

    /**
     * Publishes a message. The first time on a topic it waits for the broker's permission, later ones are sent and
     * forgotten; it waits while the broker cannot take more.
     */
    public void publish(String topic, byte[] payload) {
        session.check();
        Frames.checkSize(topic, payload.length, payload.length, session.core.welcome().maxBody());
        long id = session.core.granted(topic);
        while (id == 0) {
            session.ask("REGISTER", waiter -> session.core.register(topic, waiter));
            id = session.core.granted(topic);
        }
        session.send(Frame.of(Type.PUBLISH, id, payload));
    }

    /** Publishes a text, in UTF-8. */
    public void publish(String topic, String payload) {
        publish(topic, payload.getBytes(StandardCharsets.UTF_8));
    }

    /** Publishes a message, and waits until the broker has taken it. */
    public void publishConfirmed(String topic, byte[] payload) {
        prepare(topic, payload, 2);
        session.ask("PUBLISHTO", w -> session.core.ask(Type.PUBLISHTO, w, id -> Frames.publishTo(id, topic, payload)));
    }

    /** Subscribes to a filter, and waits for the broker's permission. */
    public Subscription<Message> subscribe(String filter) {
        return subscribe(filter, new SubscribeOptions());
    }

    /** Subscribes to a filter, and waits for the broker's permission. */
    public Subscription<Message> subscribe(String filter, SubscribeOptions options) {
        return messages(feed(filter, options));
    }

    /** Subscribes to a filter; the handler is called with one message after the other. What it throws is written to stderr. */
    public Subscription<Message> subscribe(String filter, SubscribeOptions options, Consumer<Message> handler) {
        Feed<Message> feed = feed(filter, options);
        feed.handle(handler, executor, false);
        return messages(feed);
    }

    private Feed<Message> feed(String filter, SubscribeOptions o) {
        if (o.policy == Policy.BLOCK || o.credit >= 0) {
            return Credited.of(session, filter, o); // so that what waits stays in the broker and holds the publishers back
        }
        int flags = o.own ? 0 : Frames.NOT_OWN;
        return new Feed<>(Type.SUBSCRIBE, filter, o.room(), o.policy == Policy.DROP_OLDEST,
            (id, capabilities) -> Frames.subscribe(id, filter, o.policy.ordinal(), flags, o.queue));
    }

    /**
     * Answers requests on topics with what the function returns; null is an empty answer. What it throws is told to the
     * requester, and written to stderr. A message that was published without expecting an answer comes to it too.
     */
    public Subscription<Message> respond(String filter, Function<Message, byte[]> responder) {
        Feed<Message> feed = new Feed<>(Type.SUBSCRIBE, filter, SubscribeOptions.DEFAULT_QUEUE, false,
            (id, capabilities) -> Frames.subscribe(id, filter, Policy.DROP_NEWEST.ordinal(), Frames.ANSWERS, 0));
        feed.handle(message -> answer(responder, message), executor, true);
        return messages(feed);
    }

    private void answer(Function<Message, byte[]> responder, Message message) {
        byte[] reply = null;
        String failure = null;
        try {
            reply = responder.apply(message);
            int length = reply == null ? 0 : reply.length;
            Frames.checkSize(message.topic(), length, length, session.core.welcome().maxBody());
        } catch (RuntimeException | StackOverflowError e) {
            e.printStackTrace(); // the application's log
            failure = e.toString();
        }
        if (message instanceof Call call) {
            session.post(failure == null ? Frame.of(Type.REPLY, call.id, reply == null ? new byte[0] : reply)
                : Frames.error(call.id, Code.INTERNAL, Type.CALL, message.topic(), failure));
        }
    }

    /** Sends a request to whoever answers on the topic, and waits for the answer. */
    public Message request(String topic, byte[] payload, Duration timeout) {
        long limit = prepareRequest(topic, payload, timeout);
        try {
            Object answer = session.ask("REQUEST", limit + GRACE, new Waiter(), w -> asking(w, topic, payload, limit));
            return new Message(topic, (byte[]) answer);
        } catch (FescueException.Timeout e) {
            throw new FescueException.Timeout("no answer on " + topic + " within " + limit + " ms", topic, e.number());
        }
    }

    /** Sends a request; the future is completed with the answer, or exceptionally as {@link #request} would throw. */
    public CompletableFuture<Message> requestAsync(String topic, byte[] payload, Duration timeout) {
        long limit = prepareRequest(topic, payload, timeout);
        CompletableFuture<Message> future = new CompletableFuture<>();
        session.begin(new Waiter() {
            @Override
            void resolve(Object answer, FescueException refusal) {
                if (refusal == null) {
                    future.completeAsync(() -> new Message(topic, (byte[]) answer), executor);
                } else {
                    executor.execute(() -> future.completeExceptionally(refusal));
                }
            }
        }, w -> asking(w, topic, payload, limit));
        return future;
    }

    private byte[] asking(Waiter waiter, String topic, byte[] payload, long limit) {
        return session.core.ask(Type.REQUEST, waiter, id -> Frames.request(id, limit, topic, payload));
    }

    private long prepareRequest(String topic, byte[] payload, Duration timeout) {
        prepare(topic, payload, 6);
        return Math.min(Math.max(1, timeout.toMillis()), 0xffffffffL);
    }

    /** What is refused before it is sent; fields is the number of bytes of the body besides topic and payload. */
    private void prepare(String topic, byte[] payload, int fields) {
        session.check();
        Frames.checkTopic(topic);
        long body = fields + Frames.utf8(topic).length + (long) payload.length;
        Frames.checkSize(topic, body, payload.length, session.core.welcome().maxBody());
    }

    /**
     * Publishes on a kept topic, and waits until the message is on disk. It is stored once, also if the link is lost on the
     * way and it has to be sent again.
     */
    public void store(String topic, byte[] payload) {
        store(topic, payload, sender + "-" + stored.incrementAndGet());
    }

    /** As {@link #store(String, byte[])}, with a message id of one's own: the same one is stored once within 2 minutes. */
    public void store(String topic, byte[] payload, String messageId) {
        prepare(topic, payload, 4 + Frames.utf8(messageId).length);
        long deadline = System.nanoTime() + session.timeout * 1_000_000;
        while (true) {
            try {
                session.ask("STORE", w -> kept(Frames.DURABLE, Type.STORE, w, id -> Frames.store(id, messageId, topic, payload)));
                return;
            } catch (FescueException.ConnectionLost e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    private byte[] kept(int capability, int type, Waiter waiter, Core.Asking asking) {
        session.core.need(capability, capability == Frames.HISTORY ? "history" : "kept topics");
        return session.core.ask(type, waiter, asking);
    }

    /** Consumes a kept topic at least once, from a place of this name that the broker remembers; answer each delivery. */
    public Subscription<Delivery> consume(String filter, String place, ConsumeOptions options) {
        return deliveries(consumption(filter, place, options));
    }

    /** Consumes a kept topic; a delivery is done when the handler has returned, and comes again if it throws. */
    public Subscription<Delivery> consume(String filter, String place, ConsumeOptions options, Consumer<Delivery> handler) {
        Feed<Incoming.Delivered> feed = consumption(filter, place, options);
        feed.handle(item -> settle(handler, new Delivery(session, feed, item)), executor, false);
        return deliveries(feed);
    }

    private static Feed<Incoming.Delivered> consumption(String filter, String place, ConsumeOptions o) {
        // The window bounds what waits.
        return new Feed<>(Type.CONSUME, filter, Integer.MAX_VALUE, false, (id, capabilities) -> Frames.consume(id, place, filter, o));
    }

    private static void settle(Consumer<Delivery> handler, Delivery delivery) {
        try {
            handler.accept(delivery);
            delivery.done();
        } catch (RuntimeException | StackOverflowError e) {
            e.printStackTrace(); // the application's log
            delivery.again();
        }
    }

    /** Removes a place, and what it remembers. */
    public void forget(String place) {
        session.ask("FORGET", w -> kept(Frames.DURABLE, Type.FORGET, w, id -> Frames.text(Type.FORGET, id, place)));
    }

    /**
     * The kept messages of topics that match a filter, oldest first: not before from and before until (null: no
     * bound), and of more than the limit the newest ones, or the oldest.
     */
    public List<Past> history(String filter, Instant from, Instant until, int limit, boolean newest) {
        session.check();
        long begin = from == null ? 0 : from.toEpochMilli();
        long end = until == null ? 0 : until.toEpochMilli();
        Waiter.Collecting all = new Waiter.Collecting();
        session.ask("HISTORY", session.timeout, all,
            w -> kept(Frames.HISTORY, Type.HISTORY, w, id -> Frames.history(id, filter, newest, limit, begin, end)));
        return all.items();
    }

    /** Writes a line to the application's log. */
    public void log(LogLevel level, String text) {
        if ((session.core.welcome().capabilities() & Frames.LOGS) != 0) {
            session.send(Frames.log(level, text));
        } else {
            System.err.println(level + ": " + text); // what is printed is logged too
        }
    }

    /** Waits until the broker has handled everything sent so far; throws errors that came of it. */
    public void drain() {
        session.ask("PING", w -> session.core.ask(Type.PING, w, id -> Frames.bare(Type.PING, id)));
        session.check();
    }

    /**
     * Lets handlers work until SIGTERM or SIGINT, then closes. Throws what ended the connection for good, so that the
     * program fails and is started again.
     */
    public void run() throws InterruptedException {
        Thread closing = new Thread(this::close, "fescue-shutdown");
        Runtime.getRuntime().addShutdownHook(closing);
        try {
            session.awaitEnd();
        } finally {
            close();
            forgetHook(closing);
        }
    }

    private static void forgetHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // It is running, which is why this client was closed.
        }
    }

    /** Says goodbye, after everything sent before. */
    @Override
    public void close() {
        session.close(CLOSING);
        if (own != null) {
            own.shutdown();
        }
    }

    private Subscription<Message> messages(Feed<Message> feed) {
        open("SUBSCRIBE", feed);
        return new Subscription<>(session, feed, item -> (Message) item);
    }

    private Subscription<Delivery> deliveries(Feed<Incoming.Delivered> feed) {
        session.core.need(Frames.DURABLE, "kept topics");
        open("CONSUME", feed);
        return new Subscription<>(session, feed, item -> new Delivery(session, feed, (Incoming.Delivered) item));
    }

    private void open(String what, Feed<?> feed) {
        session.check();
        session.ask(what, waiter -> session.core.open(feed, waiter));
    }
}
