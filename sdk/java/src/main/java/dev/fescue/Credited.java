package dev.fescue;

import java.nio.ByteBuffer;

/** Messages that the broker sends against credit. */
final class Credited extends Feed<Message> {
    private final Session session;
    private final int window; // granted anew as messages are taken; 0: only as the application says
    private long left; // granted, not yet arrived
    private int taken;

    private Credited(Session session, String filter, int window, Asking asking) {
        super(Type.SUBSCRIBE, filter, Integer.MAX_VALUE, false, asking);
        this.session = session;
        this.window = window;
    }

    /** A subscription; with a window, that many messages may wait here. */
    static Credited of(Session session, String filter, SubscribeOptions o) {
        int flags = o.own ? 0 : Frames.NOT_OWN;
        Credited[] self = new Credited[1];
        self[0] = new Credited(session, filter, o.credit < 0 ? o.room() : 0, (id, capabilities) -> {
            if ((capabilities & Frames.CREDIT) == 0) {
                return Frames.subscribe(id, filter, o.policy.ordinal(), flags, o.queue);
            }
            return self[0].withCredit(id, Frames.subscribe(id, filter, o.policy.ordinal(), flags | Frames.BY_CREDIT, o.queue));
        });
        self[0].grant(o.credit < 0 ? o.room() : o.credit);
        return self[0];
    }

    private synchronized byte[] withCredit(long id, byte[] frame) {
        if (left == 0) {
            return frame;
        }
        byte[] credit = Frames.credit(id, left);
        return ByteBuffer.allocate(frame.length + credit.length).put(frame).put(credit).array();
    }

    synchronized void grant(long number) {
        left += number;
    }

    @Override
    boolean push(Message message) {
        if (!(message instanceof Call)) { // requests take no credit
            synchronized (this) {
                left = Math.max(0, left - 1);
            }
        }
        return super.push(message);
    }

    @Override
    void taken() {
        int number;
        synchronized (this) {
            if (window == 0 || ++taken < (window + 1) / 2) {
                return;
            }
            number = taken;
            taken = 0;
            left += number;
        }
        session.post(Frames.credit(id, number));
    }
}
