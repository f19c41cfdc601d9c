package dev.fescue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a worker has asked of its broker and waits for. */
final class Asked {
    private static final long MAX_ID = 0xffff; // of watches, the smallest there are
    /** Frames that ask: their id is that of the answer. */
    private static final Set<Integer> ASKING = Set.of(Type.PUBLISHTO, Type.REQUEST, Type.STORE, Type.HISTORY, Type.GET, Type.PUT,
        Type.DELETE, Type.WATCH);

    /** Waits for an answer, which may come in parts. */
    static final class Pending extends Waiter {
        private final List<Object> parts = new ArrayList<>();
    }

    private final Map<Long, Pending> waiting = new HashMap<>();
    private long last;

    /** A free id, under which the answer will come. */
    synchronized long begin(Pending pending) {
        do {
            last = last % MAX_ID + 1;
        } while (waiting.containsKey(last));
        waiting.put(last, pending);
        return last;
    }

    /** Takes a frame that is an answer or a part of one. Other frames are nothing to it. */
    synchronized void frame(int type, long id, Body body) {
        switch (type) {
            case Type.OK:
                if (Incoming.granted(body) != Type.WATCH) { // a watch is answered by what it lists
                    answered(id, parts(id));
                }
                break;
            case Type.REPLY:
                answered(id, body.rest());
                break;
            case Type.VALUE:
                answered(id, Incoming.value(body));
                break;
            case Type.STORED:
                answered(id, Incoming.stored(body));
                break;
            case Type.PAST:
                Incoming.Past past = Incoming.past(body);
                parts(id).add(new Past(past.topic(), past.payload(), past.sequence(), past.time()));
                break;
            case Type.CHANGE:
                listed(id, Incoming.changed(body));
                break;
            default:
                break;
        }
    }

    private void listed(long id, Incoming.Changed change) {
        List<Object> keys = parts(id);
        if (change.kind() == Change.Kind.END.ordinal()) {
            answered(id, keys);
        } else {
            keys.add(change.key());
        }
    }

    private List<Object> parts(long id) {
        Pending pending = waiting.get(id);
        return pending == null ? new ArrayList<>() : pending.parts;
    }

    private void answered(long id, Object answer) {
        Pending pending = waiting.remove(id);
        if (pending != null) {
            pending.resolve(answer, null);
        }
    }

    /** Tells whoever waits for what was refused; whether somebody does. */
    synchronized boolean refused(long id, Incoming.Refusal refusal) {
        Pending pending = ASKING.contains(refusal.refused()) ? waiting.remove(id) : null;
        if (pending != null) {
            pending.resolve(null, refusal.exception());
        }
        return pending != null;
    }
}
