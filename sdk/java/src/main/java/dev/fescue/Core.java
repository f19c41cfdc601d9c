package dev.fescue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A session without input or output: what is registered, fed and awaited.
 *
 * <p>It is given the frames that arrive and gives the frames to send, and it outlives the link: after a reconnection
 * {@link #resume} says everything again. Each method is one step under its lock.
 */
final class Core implements Reader.Taker {
    private static final int CAPABILITIES =
        Frames.REQUESTS | Frames.LOGS | Frames.STATE | Frames.DURABLE | Frames.HISTORY | Frames.CREDIT;

    private final Map<String, Long> granted = new HashMap<>(); // topics with the broker's OK
    private final Map<String, Long> topics = new HashMap<>(); // registered, or about to be
    private final Map<Long, String> names = new HashMap<>();
    private final Map<Long, Feed<?>> feeds = new HashMap<>(); // subscriptions and consumptions
    private final Map<Long, Feed<?>> watches = new HashMap<>();
    private final Map<Long, Waiter> awaited = new HashMap<>(); // by type and id
    private final Map<Long, FescueException> withdrawn = new HashMap<>(); // topics taken away, until a message is known to have been dropped
    private final List<FescueException> late = new ArrayList<>(); // errors that nobody waits for
    private final List<byte[]> outbox = new ArrayList<>(); // answers to what has arrived
    private long ids; // the last of requests, receipts and pings
    private long last; // the last of topics, feeds and watches
    private Incoming.Welcome welcome = new Incoming.Welcome(0, 0, 1 << 20, "", "");
    private boolean welcomed;
    private FescueException refusal; // an error after which the broker closes

    private static long key(int type, long id) {
        return (long) type << 32 | id;
    }

    // What the application asks for; each gives the frame to send, or null if there is none.

    /** The number of a topic with the broker's OK, or 0. */
    synchronized long granted(String topic) {
        return granted.getOrDefault(topic, 0L);
    }

    /** REGISTER of a topic; joins one that is under way. */
    synchronized byte[] register(String topic, Waiter waiter) {
        if (granted.containsKey(topic)) {
            waiter.resolve(null, null);
            return null;
        }
        Long running = topics.get(topic);
        if (running != null) {
            Waiter first = awaited.put(key(Type.REGISTER, running), waiter);
            waiter.andThen(first);
            return null;
        }
        Frames.checkTopic(topic);
        long id = number(names);
        topics.put(topic, id);
        names.put(id, topic);
        awaited.put(key(Type.REGISTER, id), waiter);
        return Frames.text(Type.REGISTER, id, topic);
    }

    /** SUBSCRIBE, CONSUME or WATCH. */
    synchronized byte[] open(Feed<?> feed, Waiter waiter) {
        Frames.checkTopic(feed.filter);
        feed.id = number(of(feed.type));
        of(feed.type).put(feed.id, feed);
        awaited.put(key(feed.type, feed.id), waiter);
        return feed.asking.frame(feed.id, welcome.capabilities());
    }

    /** UNSUBSCRIBE or UNWATCH. */
    synchronized byte[] close(Feed<?> feed, Waiter waiter) {
        if (of(feed.type).get(feed.id) != feed) {
            waiter.resolve(null, null);
            return null;
        }
        awaited.put(key(feed.endType(), feed.id), waiter);
        return Frames.bare(feed.endType(), feed.id);
    }

    /** Makes a frame with its id. */
    interface Asking {
        byte[] frame(long id);
    }

    /** A frame that is answered by its id. */
    synchronized byte[] ask(int type, Waiter waiter, Asking asking) {
        ids = ids % 0xffffffffL + 1;
        byte[] frame = asking.frame(ids);
        Frames.checkSize("one topic", frame.length - 8L, frame.length - 8L, welcome.maxBody());
        awaited.put(key(type, ids), waiter);
        return frame;
    }

    /** Refuses what the broker of this device cannot do. */
    synchronized void need(int capability, String what) {
        if ((welcome.capabilities() & capability) == 0) {
            throw new FescueException("this device's Data Xchange has no " + what, "", Code.UNSUPPORTED, "update the agent");
        }
    }

    synchronized void forget(Waiter waiter) {
        awaited.values().removeIf(w -> w == waiter);
    }

    private Map<Long, Feed<?>> of(int type) {
        return type == Type.WATCH || type == Type.UNWATCH ? watches : feeds;
    }

    private long number(Map<Long, ?> taken) {
        for (int tries = 0; tries < Frames.MAX_ID; tries++) {
            last = last % Frames.MAX_ID + 1;
            if (!taken.containsKey(last)) {
                return last;
            }
        }
        throw new FescueException.LimitExceeded("more than " + Frames.MAX_ID + " topics, subscriptions or watches", "", Code.LIMIT);
    }

    synchronized Incoming.Welcome welcome() {
        return welcome;
    }

    synchronized boolean isWelcomed() {
        return welcomed;
    }

    synchronized FescueException refusal() {
        return refusal;
    }

    synchronized List<FescueException> takeLate() {
        return drain(late);
    }

    synchronized List<byte[]> takeOutbox() {
        return drain(outbox);
    }

    private static <E> List<E> drain(List<E> list) {
        if (list.isEmpty()) {
            return List.of();
        }
        List<E> all = List.copyOf(list);
        list.clear();
        return all;
    }

    // The link.

    /** HELLO, the first frame on a link. */
    synchronized byte[] hello(String token, String name) {
        welcomed = false;
        refusal = null;
        outbox.clear();
        return Frames.hello(token, name, CAPABILITIES);
    }

    /** Everything that a new session must be told again. */
    synchronized List<byte[]> resume() {
        List<byte[]> frames = new ArrayList<>();
        for (Map.Entry<String, Long> topic : topics.entrySet()) {
            frames.add(Frames.text(Type.REGISTER, topic.getValue(), topic.getKey()));
        }
        for (Feed<?> feed : all()) {
            frames.add(feed.asking.frame(feed.id, welcome.capabilities()));
        }
        return frames;
    }

    private List<Feed<?>> all() {
        List<Feed<?>> all = new ArrayList<>(feeds.values());
        all.addAll(watches.values());
        return all;
    }

    /** The link is gone: what was asked on it is answered, what resume says again stays. */
    synchronized void lost() {
        withdrawn.clear();
        for (Map.Entry<Long, Waiter> entry : List.copyOf(awaited.entrySet())) {
            int type = (int) (entry.getKey() >> 32);
            if (type == Type.REGISTER || type == Type.SUBSCRIBE || type == Type.CONSUME || type == Type.WATCH) {
                continue;
            }
            awaited.remove(entry.getKey());
            if (type == Type.UNSUBSCRIBE || type == Type.UNWATCH) {
                ended(type, entry.getKey() & 0xffffffffL);
                entry.getValue().resolve(null, null);
            } else {
                entry.getValue().resolve(null, new FescueException.ConnectionLost("the link was lost before the answer came"));
            }
        }
    }

    /** The session is over for good. */
    synchronized void end(FescueException why) {
        for (Feed<?> feed : all()) {
            feed.end(why);
        }
        for (Waiter waiter : awaited.values()) {
            waiter.resolve(null, why == null ? new FescueException.Closed() : why);
        }
        awaited.clear();
    }

    @Override
    public synchronized void frame(int type, long id, Body body) {
        switch (type) {
            case Type.MESSAGE -> message(feeds.get(id), Incoming.published(body));
            case Type.CALL -> call(id, Incoming.call(body));
            case Type.OK -> ok(id, Incoming.granted(body));
            case Type.ERROR -> error(id, Incoming.refusal(body));
            case Type.REPLY -> resolve(Type.REQUEST, id, body.rest());
            case Type.PING -> outbox.add(Frame.of(Type.PONG, id, body.rest()));
            case Type.PONG -> resolve(Type.PING, id, null);
            case Type.WELCOME -> welcome(Incoming.welcome(body));
            case Type.GOODBYE -> goodbye(Incoming.goodbye(body));
            default -> kept(type, id, body);
        }
    }

    private void kept(int type, long id, Body body) {
        switch (type) {
            case Type.DELIVERY -> push(feeds.get(id), Incoming.delivered(body));
            case Type.CHANGE -> change(id, Incoming.changed(body));
            case Type.PAST -> past(awaited.get(key(Type.HISTORY, id)), Incoming.past(body));
            case Type.VALUE -> resolve(Type.GET, id, Incoming.value(body));
            case Type.STORED -> stored(id, Incoming.stored(body));
            case Type.CREDIT -> Incoming.credit(id, body); // this side's links hold a sender back by themselves
            default -> throw new FescueException.Malformed("a frame for functions, on the link of a client");
        }
    }

    @SuppressWarnings("unchecked") // a feed's type says what arrives for it
    private static <T> boolean push(Feed<?> feed, T item) {
        return feed == null || ((Feed<T>) feed).push(item);
    }

    private void message(Feed<?> feed, Incoming.Published p) {
        if (feed != null) {
            told(feed, push(feed, new Message(p.topic().isEmpty() ? feed.filter : p.topic(), p.payload())));
        }
    }

    private void call(long id, Incoming.Call c) {
        Feed<?> feed = feeds.get(c.subscription());
        if (feed != null) {
            told(feed, push(feed, new Call(c.topic().isEmpty() ? feed.filter : c.topic(), c.payload(), id)));
        }
    }

    /** Tells of dropped messages, at most once a second. */
    private void told(Feed<?> feed, boolean kept) {
        if (kept || System.nanoTime() < feed.told) {
            return;
        }
        feed.told = System.nanoTime() + 1_000_000_000;
        String text = "messages on " + feed.filter + " come faster than they are taken; some were dropped";
        late.add(new FescueException.Overflow(text, feed.filter, Code.OVERFLOW));
    }

    private void change(long id, Incoming.Changed c) {
        Feed<?> watch = watches.get(id);
        push(watch, c);
        if (c.kind() == Change.Kind.END.ordinal() && watch instanceof Listing) {
            ended(Type.UNWATCH, id); // it ends by itself
        }
    }

    private static void past(Waiter waiter, Incoming.Past p) {
        if (waiter instanceof Waiter.Collecting all) {
            all.add(new Past(p.topic(), p.payload(), p.sequence(), p.time()));
        }
    }

    private void stored(long id, long revision) {
        if (!resolve(Type.PUT, id, revision)) {
            resolve(Type.DELETE, id, revision);
        }
    }

    private void ok(long id, int type) {
        if (type == Type.REGISTER && names.containsKey(id)) {
            granted.put(names.get(id), id);
        }
        if (type == Type.UNSUBSCRIBE || type == Type.UNWATCH) {
            ended(type, id);
        }
        resolve(type, id, null);
    }

    private boolean resolve(int type, long id, Object value) {
        Waiter waiter = awaited.remove(key(type, id));
        if (waiter != null) {
            waiter.resolve(value, null);
        }
        return waiter != null;
    }

    private boolean refuse(int type, long id, FescueException error) {
        Waiter waiter = awaited.remove(key(type, id));
        if (waiter != null) {
            waiter.resolve(null, error);
        }
        return waiter != null;
    }

    private void error(long id, Incoming.Refusal r) {
        FescueException error = r.exception();
        switch (r.refused()) {
            case Type.REGISTER -> registerError(id, error);
            case Type.SUBSCRIBE, Type.CONSUME, Type.WATCH -> feedError(r.refused(), id, error);
            case Type.REQUEST -> refuse(Type.REQUEST, id, error);
            case Type.PUBLISH -> publishError(id, error);
            default -> {
                if (!refuse(r.refused(), id, error)) {
                    unasked(r.refused(), id, error);
                }
            }
        }
    }

    private void registerError(long id, FescueException error) {
        unregistered(id);
        // If it was taken away: the next publish on the topic registers again and meets the error itself; what was
        // sent before this was read is dropped, and told once.
        if (!refuse(Type.REGISTER, id, error)) {
            withdrawn.put(id, error);
        }
    }

    private void feedError(int type, long id, FescueException error) {
        Feed<?> feed = of(type).get(id);
        if (feed == null || error instanceof FescueException.Overflow || error instanceof FescueException.TooLarge) {
            late.add(error);
            return;
        }
        of(type).remove(id);
        feed.end(error);
        if (!refuse(type, id, error) && feed.isHandled()) {
            late.add(error);
        }
    }

    private void publishError(long id, FescueException error) {
        if (error.number() != Code.UNKNOWN_ID || names.containsKey(id)) {
            if (error.number() == Code.UNKNOWN_ID) {
                unregistered(id);
            }
            late.add(error);
        } else if (withdrawn.containsKey(id)) {
            late.add(withdrawn.remove(id));
        }
    }

    private void unasked(int refused, long id, FescueException error) {
        boolean closes = id == 0 && (error.number() <= Code.UNAUTHENTICATED || error.number() == Code.GOING_AWAY || error.number() == Code.INTERNAL);
        if (refused == Type.HELLO || refused == 0 || closes) {
            refusal = error;
        } else if (refused == Type.PUBLISHTO || refused == Type.LOG) {
            late.add(error);
        }
    }

    private void unregistered(long id) {
        String topic = names.remove(id);
        if (topic != null) {
            topics.remove(topic);
            granted.remove(topic);
        }
    }

    private void ended(int endType, long id) {
        Feed<?> feed = of(endType).remove(id);
        if (feed != null) {
            feed.end(null);
        }
    }

    private void welcome(Incoming.Welcome w) {
        if (w.version() != Frames.VERSION) {
            throw new FescueException.Malformed("WELCOME with version " + w.version());
        }
        welcome = w;
        welcomed = true;
    }

    private void goodbye(Incoming.Goodbye g) {
        boolean away = g.code() == 0 || g.code() == Code.GOING_AWAY;
        refusal = away ? new FescueException.ConnectionLost(g.text().isEmpty() ? "the broker said goodbye" : g.text(), g.code())
            : FescueException.of(g.code(), g.text(), "");
    }
}
