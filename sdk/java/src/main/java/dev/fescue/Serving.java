package dev.fescue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Serves the invocations of a function; see {@link Worker}. */
final class Serving implements Reader.Taker, KeyValue.Asker {
    private static final int CAPABILITIES =
        Frames.FUNCTIONS | Frames.REQUESTS | Frames.LOGS | Frames.STATE | Frames.DURABLE | Frames.HISTORY | Frames.PARTS;
    private static final long PATIENCE = 0; // a worker has nothing to do but wait for its broker

    private final Link link;
    private final Reader reader = new Reader(this);
    private final Thread main = Thread.currentThread();
    private final ExecutorService threads; // null: invocations run in the main thread
    private final ArrayDeque<Context> backlog = new ArrayDeque<>(); // of the main thread
    private final Map<Long, Context> running = new ConcurrentHashMap<>();
    private final Set<String> allowed = new HashSet<>(); // topics that may be published on
    private final Asked asked = new Asked();
    private Handler handler;
    private volatile long maxBody = 1 << 20;
    private boolean welcome;
    private boolean leaving;

    Serving(Link link, int concurrency) {
        this.link = link;
        this.threads = concurrency > 1 ? Executors.newFixedThreadPool(concurrency) : null;
    }

    /** Says HELLO, loads the handler, says READY, and serves until GOODBYE. Ends the process. */
    void run(String name) {
        int capabilities = threads == null ? CAPABILITIES | Frames.QUEUES : CAPABILITIES;
        send(Frames.hello("", Worker.environment("FESCUE_APPLICATION"), capabilities));
        try {
            handler = Handler.load(name);
        } catch (Throwable e) {
            cannotStart(e);
        }
        send(Frames.bare(Type.READY, 0));
        while (!leaving) {
            read();
            while (!backlog.isEmpty()) {
                invoke(backlog.poll());
                glance();
            }
        }
        finish();
    }

    private void cannotStart(Throwable e) {
        send(Failures.describe(0, e));
        while (!welcome) {
            read(); // a broker whose WELCOME finds the link closed may not read on
        }
        leave(1);
    }

    private void finish() {
        try {
            if (threads != null) {
                threads.shutdown();
                Thread reader = new Thread(new Runnable() { // what is under way may yet ask
                    @Override
                    public void run() {
                        while (true) {
                            read();
                        }
                    }
                });
                reader.setDaemon(true);
                reader.start();
                threads.awaitTermination(Long.MAX_VALUE, java.util.concurrent.TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            leave(1);
        }
        System.exit(0);
    }

    /** Ends the process at once. */
    private static void leave(int status) {
        System.out.flush();
        System.err.flush();
        Runtime.getRuntime().halt(status);
    }

    // Reading, in the main thread.

    private void read() {
        receive(false);
    }

    private void receive(boolean atOnce) {
        try {
            if (atOnce) {
                link.readNow(reader.room());
            } else {
                link.read(reader.room(), PATIENCE);
            }
            reader.take();
        } catch (FescueException.ConnectionLost e) {
            leave(1); // nobody is there any more
        } catch (FescueException.Malformed e) {
            System.err.println("fescue: " + e.getMessage());
            leave(1);
        }
    }

    /** Takes what has come, without waiting: what is to be begun next may have been cancelled. */
    private void glance() {
        if (!backlog.isEmpty()) {
            receive(true);
        }
    }

    @Override
    public void frame(int type, long id, Body body) {
        switch (type) {
            case Type.INVOKE:
                accept(new Context(this, id, Incoming.invocation(body)));
                break;
            case Type.CANCEL:
                cancel(id);
                break;
            case Type.MORE:
                more(running.get(id), Incoming.more(body));
                break;
            case Type.PING:
                send(Frame.of(Type.PONG, id, body.rest()));
                break;
            case Type.WELCOME:
                maxBody = Incoming.welcome(body).maxBody();
                welcome = true;
                break;
            case Type.GOODBYE:
                leaving = true;
                break;
            case Type.ERROR:
                refused(id, Incoming.refusal(body));
                break;
            default:
                asked.frame(type, id, body);
                break;
        }
    }

    private void accept(Context context) {
        running.put(context.invocation, context);
        if (threads == null) {
            backlog.add(context);
            return;
        }
        threads.execute(new Runnable() {
            @Override
            public void run() {
                invoke(context);
            }
        });
    }

    private void cancel(long id) {
        Context context = running.get(id);
        if (context != null) {
            context.cancel();
            if (backlog.remove(context)) {
                invoke(context);
            }
        }
    }

    // Invocations.

    /** Handles an event, and sends its answer: before the next begins, so the broker knows which has. */
    private void invoke(Context context) {
        byte[] answer;
        Throwable failure = null;
        if (context.isCancelled()) {
            answer = Frames.failure(context.invocation, "Cancelled", "it was cancelled before it began", "");
        } else {
            try {
                context.begin();
                byte[] result = handler.call(context);
                if (context.made() != null) {
                    context.made().finish();
                }
                answer = result(context.invocation, result);
            } catch (Throwable e) {
                failure = e;
                answer = context.isCancelled() && context.made() != null && e instanceof IOException
                    ? Frames.failure(context.invocation, "Cancelled", String.valueOf(e.getMessage()), "") : Failures.describe(context.invocation, e);
            }
        }
        running.remove(context.invocation);
        send(answer);
        if (failure instanceof VirtualMachineError && !(failure instanceof StackOverflowError)) {
            leave(1); // out of memory: nothing can be relied on any more
        }
    }

    private static void more(Context context, long bytes) {
        if (context != null && context.made() != null) {
            context.made().more(bytes);
        }
    }

    /** Waits until so many bytes of an answer may be sent. False: nobody waits for it any longer. */
    boolean maySend(Output output, int bytes) throws IOException {
        boolean reads = Thread.currentThread() == main;
        if (reads) {
            receive(true); // it may have been cancelled
        }
        while (!output.isCancelled() && !output.spend(bytes)) {
            if (reads) {
                read();
            } else {
                output.awaitMore(bytes);
            }
        }
        return !output.isCancelled();
    }

    private byte[] result(long id, byte[] body) {
        if (body.length > maxBody) {
            String text = "the handler returned " + body.length + " bytes, the broker accepts " + maxBody;
            return Frames.failure(id, "TooLarge", text, "");
        }
        return Frame.of(Type.RESULT, id, body);
    }

    /** Writes a frame. */
    synchronized void send(byte[] frame) {
        try {
            link.write(ByteBuffer.wrap(frame), PATIENCE);
        } catch (FescueException.ConnectionLost e) {
            leave(1); // nobody is there any more
        }
    }

    // What a context can do.

    void publish(String topic, byte[] payload) {
        checkFits(topic, payload, 2);
        synchronized (this) {
            if (allowed.contains(topic)) {
                send(Frames.publishTo(0, topic, payload));
                return;
            }
        }
        ask(id -> Frames.publishTo(id, topic, payload));
        synchronized (this) {
            allowed.add(topic);
        }
    }

    /** Sends a request and waits for its answer; timeout in ms. */
    byte[] request(String topic, byte[] payload, long timeout) {
        checkFits(topic, payload, 6);
        return (byte[]) ask(id -> Frames.request(id, timeout, topic, payload));
    }

    /** STORE, without an id of the message: the link of a worker is not made anew, so that nothing is sent twice. */
    void store(String topic, byte[] payload) {
        checkFits(topic, payload, 4);
        ask(id -> Frames.store(id, "", topic, payload));
    }

    /** HISTORY; times in ms, 0 is no bound. */
    @SuppressWarnings("unchecked")
    List<Past> history(String filter, boolean newest, int limit, long from, long until) {
        Frames.checkTopic(filter);
        return (List<Past>) ask(id -> Frames.history(id, filter, newest, limit, from, until));
    }

    @Override
    public Object ask(String what, int type, Core.Asking asking) {
        return ask(asking);
    }

    @Override
    @SuppressWarnings("unchecked")
    public List<String> keys(String filter) {
        return (List<String>) ask(id -> Frames.watch(id, filter, Frames.LISTING));
    }

    private void checkFits(String topic, byte[] payload, int fields) {
        Frames.checkTopic(topic);
        Frames.checkSize(topic, (long) fields + Frames.utf8(topic).length + payload.length, payload.length, maxBody);
    }

    /** Sends a frame and waits for its answer; the main thread reads on meanwhile, and invocations wait. */
    private Object ask(Core.Asking asking) {
        Asked.Pending pending = new Asked.Pending();
        send(asking.frame(asked.begin(pending)));
        while (Thread.currentThread() == main && !pending.isDone()) {
            read();
        }
        pending.await(0);
        return pending.outcome();
    }

    private void refused(long id, Incoming.Refusal refusal) {
        if (refusal.refused() == Type.PUBLISHTO) {
            synchronized (this) {
                allowed.remove(refusal.topic()); // the next one asks again
            }
        }
        if (!asked.refused(id, refusal)) {
            System.err.println("fescue: " + refusal.exception().getMessage());
        }
    }
}
